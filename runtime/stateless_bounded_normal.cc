// Checks and calls of the stateless bounded normal.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/internal/stateless_draw.h"
#include "counterpoint/runtime/stateless_samplers.h"

namespace counterpoint::inline v1 {
namespace {

using kernels::BoundedNormalParameters;

// Four parameters, broadcast against each other where they lie: set `b` is found by strides, so that
// nothing is allocated.
class ParameterSets {
 public:
  // Errors: invalid_argument if they do not broadcast or `shape` does not end with their shape. All
  // arguments must outlive it.
  ParameterSets(std::string_view sampler, ShapeView shape,
                const std::array<const Parameter*, 4>& parameters, DType dtype)
      : parameters_(parameters), dtype_(dtype) {
    std::size_t rank = 0;
    for (const Parameter* parameter : parameters_)
      rank = std::max(rank, lengths(*parameter).size());
    shape_ = shape.last(std::min(rank, shape.size()));
    if (rank > shape.size() || !has_shape()) fail(sampler, shape);
    batch_ = static_cast<std::uint64_t>(element_count(shape_));
    samples_ = batch_ == 0 ? 0 : static_cast<std::uint64_t>(element_count(shape)) / batch_;
  }

  std::uint64_t batch() const noexcept { return batch_; }
  std::uint64_t samples() const noexcept { return samples_; }
  BoundedNormalParameters operator[](std::uint64_t b) const {
    return {.mean = at(0, b), .stddev = at(1, b), .minval = at(2, b), .maxval = at(3, b)};
  }

 private:
  static ShapeView lengths(const Parameter& parameter) {
    return parameter.tensor() == nullptr ? ShapeView() : ShapeView(parameter.tensor()->shape());
  }

  // Whether the parameters together have shape_.
  bool has_shape() const {
    for (std::size_t back = 1; back <= shape_.size(); ++back) {
      const std::int64_t wanted = shape_[shape_.size() - back];
      bool found = wanted == 1;
      for (const Parameter* parameter : parameters_) {
        const ShapeView own = lengths(*parameter);
        if (back > own.size()) continue;
        const std::int64_t length = own[own.size() - back];
        if (length != 1 && length != wanted) return false;
        found = found || length == wanted;
      }
      if (!found) return false;
    }
    return true;
  }

  [[noreturn]] void fail(std::string_view sampler, ShapeView shape) const {
    Shape broadcast;
    for (const Parameter* parameter : parameters_) {
      broadcast = broadcast_shapes(broadcast, lengths(*parameter));
    }
    throw Error(ErrorCode::invalid_argument,
                fmt::format("the shape of a {} must end with that of its parameters: {} does not "
                            "end with {}",
                            sampler, shape_to_string(shape), shape_to_string(broadcast)));
  }

  double at(std::size_t index, std::uint64_t b) const {
    const Tensor* const tensor = parameters_[index]->tensor();
    if (tensor == nullptr) return parameters_[index]->as_floating(dtype_);
    const ShapeView own = tensor->shape();
    auto rest = static_cast<std::int64_t>(b);
    std::int64_t element = 0;
    std::int64_t stride = 1;
    for (std::size_t back = 1; back <= own.size(); ++back) {
      const std::int64_t length = own[own.size() - back];
      const std::int64_t whole = shape_[shape_.size() - back];
      if (length != 1) element += rest % whole * stride;
      rest /= whole;
      stride *= length;
    }
    return element_as_floating(*tensor, element, dtype_);
  }

  std::array<const Parameter*, 4> parameters_;
  DType dtype_;
  ShapeView shape_;  // of the sets
  std::uint64_t batch_ = 0;
  std::uint64_t samples_ = 0;
};

// A draw that was checked; run() writes it.
class BoundedNormal {
 public:
  BoundedNormal(ShapeView shape, const Parameter& mean, const Parameter& stddev,
                const Parameter& minval, const Parameter& maxval, DType dtype,
                const StreamDefinition& definition)
      : definition_(definition),
        dtype_(check(dtype, definition)),
        sets_(kName, shape, {&mean, &stddev, &minval, &maxval}, dtype) {
    if (sets_.samples() == 0) return;
    for (std::uint64_t b = 0; b < sets_.batch(); ++b) check_set(sets_[b]);
  }

  // Errors: invalid_argument after too many rejections; `output` is then as it was.
  void run(const StatelessSeed& seed, void* output) const {
    const Reservation reserved = stateless_reservation(definition_, seed);
    const auto parameters = [](const void* sets, std::uint64_t b) {
      return (*static_cast<const ParameterSets*>(sets))[b];
    };
    std::uint64_t failed = 0;
    const bool done = definition_.samplers.bounded_normal({.dtype = dtype_,
                                                           .parameters = parameters,
                                                           .context = &sets_,
                                                           .batch = sets_.batch(),
                                                           .samples = sets_.samples(),
                                                           .key = reserved.key,
                                                           .counter = reserved.counter,
                                                           .output = output},
                                                          &failed);
    if (!done) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("{} candidates in a row were rejected for {}; widen the bounds",
                              kernels::kMostRejections + 1, text_of(sets_[failed])));
    }
  }

 private:
  static constexpr std::string_view kName = "parameterized_truncated_normal";

  static DType check(DType dtype, const StreamDefinition& definition) {
    check_defined(definition, kName, definition.samplers.bounded_normal != nullptr);
    check_dtype(kName, dtype, is_binary_float(dtype), "f16, f32 or f64");
    return dtype;
  }
  static std::string text_of(const BoundedNormalParameters& set) {
    return fmt::format("mean {}, stddev {}, minval {}, maxval {}", set.mean, set.stddev, set.minval,
                       set.maxval);
  }
  void check_set(const BoundedNormalParameters& set) const {
    const bool valid = std::isfinite(set.mean) && std::isfinite(set.stddev) && set.stddev > 0 &&
                       set.minval < set.maxval &&
                       (std::isfinite(set.minval) || std::isfinite(set.maxval));
    if (!valid) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("{} in {} needs finite mean and stddev, stddev > 0, minval < maxval "
                              "and one finite bound, not {}",
                              kName, dtype_name(dtype_), text_of(set)));
    }
  }

  const StreamDefinition& definition_;
  DType dtype_;
  ParameterSets sets_;
};

}  // namespace

Tensor stateless_parameterized_truncated_normal(const Shape& shape, const StatelessSeed& seed,
                                                const Parameter& mean, const Parameter& stddev,
                                                const Parameter& minval, const Parameter& maxval,
                                                DType dtype, const AlgorithmName& algorithm) {
  const BoundedNormal draw(shape, mean, stddev, minval, maxval, dtype,
                           stream_definition(algorithm));
  Tensor result(dtype, shape);
  draw.run(seed, result.bytes().data());
  return result;
}

void fill_stateless_parameterized_truncated_normal(const FillTarget& out, const StatelessSeed& seed,
                                                   const Parameter& mean, const Parameter& stddev,
                                                   const Parameter& minval, const Parameter& maxval,
                                                   ShapeView shape,
                                                   const AlgorithmName& algorithm) {
  const LogicalShape logical(out, shape);
  const BoundedNormal draw(logical, mean, stddev, minval, maxval, out.dtype(),
                           stream_definition(algorithm));
  draw.run(seed, out.data());
}

}  // namespace counterpoint::inline v1
