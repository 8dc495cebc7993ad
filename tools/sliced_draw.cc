#include "sliced_draw.h"

#include <cstring>

#include "counterpoint/runtime/generator.h"
#include "counterpoint/runtime/stateless_samplers.h"

namespace counterpoint::tools {
namespace {

using kernels::Distribution;

// The categorical's uniforms come two a block; a cut between blocks keeps the sequence.
constexpr std::uint64_t uniforms_per_block = 2;

// Draws one element, or all of a draw that cannot be cut, with the library: it says what is wrong
// with a request.
Tensor library_draw(const DrawRequest& request, const DrawSource& source) {
  const std::string_view name = request.distribution->name;
  const AlgorithmName algorithm(request.definition->name);
  const auto parameter = [&](std::string_view key) { return request.parameters.find(key)->second; };
  const Shape one = {1};
  if (request.distribution->stateless) {
    const StatelessSeed seed = source.seed.value_or(StatelessSeed(0, 0));
    if (name == "gamma") {
      return stateless_gamma(one, seed, parameter("alpha"), parameter("beta"), request.dtype,
                             algorithm);
    }
    if (name == "poisson") {
      return stateless_poisson(one, seed, parameter("lam"), request.dtype, algorithm);
    }
    if (name == "categorical") {
      const auto classes = static_cast<std::int64_t>(request.logits.size());
      const Tensor logits = Tensor::from<double>(request.logits, {1, classes});
      return stateless_categorical(logits, 1, seed, request.dtype, algorithm);
    }
    return stateless_parameterized_truncated_normal(request.shape, seed, parameter("mean"),
                                                    parameter("stddev"), parameter("minval"),
                                                    parameter("maxval"), request.dtype, algorithm);
  }
  auto scratch =
      Generator::from_state(source.state.words(*request.definition), {.algorithm = algorithm});
  if (name == "normal") {
    return scratch.normal(one, parameter("mean"), parameter("stddev"), request.dtype);
  }
  if (name == "truncated_normal") {
    return scratch.truncated_normal(one, parameter("mean"), parameter("stddev"), request.dtype);
  }
  if (name == "uniform") {
    return scratch.uniform(one, parameter("minval"), parameter("maxval"), request.dtype);
  }
  if (name == "binomial") {
    return scratch.binomial(one, parameter("counts"), parameter("probs"), request.dtype);
  }
  return scratch.uniform_full_int(one, request.dtype);
}

// A double's value in the float type `dtype`, as a scalar.
Tensor scalar_in(DType dtype, double value) {
  Tensor tensor(dtype, {});
  visit_dtype(dtype, [&]<class T>(T) {
    if constexpr (std::is_arithmetic_v<T>) {
      tensor.values<T>()[0] = static_cast<T>(value);
    } else {
      tensor.values<T>()[0] = T::from_float(static_cast<float>(value));
    }
  });
  return tensor;
}

// maxval - minval, rounded to the type.
double difference_in(DType dtype, double maxval, double minval) {
  if (dtype == DType::f64) return maxval - minval;
  const float difference = static_cast<float>(maxval) - static_cast<float>(minval);
  if (dtype == DType::f16) return Float16::from_float(difference).to_float();
  if (dtype == DType::bf16) return BFloat16::from_float(difference).to_float();
  return difference;
}

}  // namespace

SlicedDraw::SlicedDraw(const DrawRequest& request, const DrawSource& source)
    : request_(request), state_(source.state) {
  Tensor drawn = library_draw(request_, source);
  const std::string_view name = request_.distribution->name;
  if (name == "parameterized_truncated_normal") {
    whole_ = std::move(drawn);
  } else if (name == "binomial" || request_.distribution->stateless) {
    plan_sampler();
  } else {
    plan_fill();
  }
}

void SlicedDraw::plan_fill() {
  has_fill_ = true;
  const std::string_view name = request_.distribution->name;
  const DType dtype = request_.dtype;
  fill_.dtype = dtype;
  fill_.key = state_.key;
  fill_.counter = state_.counter;
  if (name == "uniform_full_int") return;
  const bool is_uniform = name == "uniform";
  const Parameter offset = request_.parameters.find(is_uniform ? "minval" : "mean")->second;
  const Parameter scale = request_.parameters.find(is_uniform ? "maxval" : "stddev")->second;
  if (!is_floating(dtype)) {
    fill_.distribution = Distribution::uniform_int;
    fill_.low = offset.as_integer(dtype, "minval");
    fill_.range = scale.as_integer(dtype, "maxval") - fill_.low;
    return;
  }
  fill_.distribution = is_uniform         ? Distribution::uniform
                       : name == "normal" ? Distribution::normal
                                          : Distribution::truncated_normal;
  fill_.scaled = true;
  fill_.offset = offset.as_floating(dtype);
  fill_.scale = scale.as_floating(dtype);
  if (is_uniform) fill_.scale = difference_in(dtype, fill_.scale, fill_.offset);
}

void SlicedDraw::plan_sampler() {
  const std::string_view name = request_.distribution->name;
  if (name == "categorical") {
    const auto classes = static_cast<std::int64_t>(request_.logits.size());
    parameters_.push_back(Tensor::from<double>(request_.logits, {classes}));
    return;
  }
  for (const ParameterInfo& each : request_.distribution->parameters) {
    const Parameter number = request_.parameters.find(each.name)->second;
    if (name == "poisson") {  // as of Python: its floats are f32, its integers exact
      parameters_.push_back(
          Tensor::scalar(number.as_floating(number.is_integer() ? DType::f64 : DType::f32)));
    } else {
      const DType dtype = name == "binomial" ? DType::f32 : request_.dtype;
      parameters_.push_back(scalar_in(dtype, number.as_floating(dtype)));
    }
  }
}

void SlicedDraw::fill(std::uint64_t first_element, std::span<std::byte> out) const {
  if (out.empty()) return;
  const std::size_t size = dtype_size(request_.dtype);
  if (whole_.size() != 0) {
    std::memcpy(out.data(), whole_.bytes().data() + first_element * size, out.size());
  } else if (has_fill_) {
    kernels::Fill slice = fill_;
    slice.shape = request_.shape;
    slice.first_element = first_element;
    slice.output = out.data();
    slice.count = out.size() / size;
    request_.definition->fill(slice);
  } else {
    fill_sampler(first_element, out.size() / size, out.data());
  }
}

void SlicedDraw::fill_sampler(std::uint64_t first_element, std::uint64_t count,
                              std::byte* out) const {
  const StreamDefinition& definition = *request_.definition;
  const std::string_view name = request_.distribution->name;
  const auto samples = static_cast<std::uint64_t>(element_count(request_.shape));
  if (name == "binomial") {
    definition.fill_binomial({.dtype = request_.dtype,
                              .parameter_dtype = parameters_[0].dtype(),
                              .counts = parameter(0),
                              .probabilities = parameter(1),
                              .batch = 1,
                              .samples = samples,
                              .key = state_.key,
                              .counter = state_.counter,
                              .output = out,
                              .first_element = first_element,
                              .count = count});
    return;
  }
  if (name == "categorical") {
    Tensor sums(DType::f64, parameters_[0].shape());
    const std::uint64_t before = first_element % uniforms_per_block;
    Tensor drawn(request_.dtype, {static_cast<std::int64_t>(count + before)});
    definition.samplers.categorical({.dtype = request_.dtype,
                                     .logits_dtype = DType::f64,
                                     .logits = parameter(0),
                                     .classes = static_cast<std::uint64_t>(parameters_[0].size()),
                                     .samples = count + before,
                                     .key = state_.key,
                                     .counter = state_.counter + first_element / uniforms_per_block,
                                     .output = drawn.bytes().data(),
                                     .first_row = 0,
                                     .row_count = 1,
                                     .sums = sums.values<double>().data()});
    const std::size_t size = dtype_size(request_.dtype);
    std::memcpy(out, drawn.bytes().data() + before * size, count * size);
    return;
  }
  const kernels::BatchedDraw slice{.batch = 1,
                                   .samples = samples,
                                   .key = state_.key,
                                   .counter = state_.counter,
                                   .output = out,
                                   .first_element = first_element,
                                   .count = count};
  if (name == "gamma") {
    definition.samplers.gamma(
        {.draw = slice, .dtype = request_.dtype, .alpha = parameter(0), .beta = parameter(1)});
  } else {
    definition.samplers.poisson(
        {.draw = slice, .dtype = request_.dtype, .rates = parameters_[0].values<double>().data()});
  }
}

}  // namespace counterpoint::tools
