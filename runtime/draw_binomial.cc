// Binomial draws: parameters broadcast against each other, and the shape must end with theirs.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/internal/draw.h"

namespace counterpoint::inline v1 {
namespace {

// TensorFlow's types of results.
bool makes_binomials(DType dtype) {
  return dtype == DType::f16 || dtype == DType::f32 || dtype == DType::f64 || dtype == DType::i32 ||
         dtype == DType::i64;
}

// f32 unless a parameter is a tensor of another float type; both then must be.
DType trials_dtype(const Parameter& counts, const Parameter& probabilities) {
  const auto float_type = [](const Parameter& parameter) -> const Tensor* {
    const Tensor* tensor = parameter.tensor();
    return tensor != nullptr && is_floating(tensor->dtype()) ? tensor : nullptr;
  };
  const Tensor* a = float_type(counts);
  const Tensor* b = float_type(probabilities);
  const DType dtype = a != nullptr ? a->dtype() : b != nullptr ? b->dtype() : DType::f32;
  if (dtype == DType::bf16 || (b != nullptr && b->dtype() != dtype)) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("binomial takes counts and probs of one type, f16, f32 or f64; these are {} "
                    "and {}",
                    a == nullptr ? "numbers" : dtype_name(a->dtype()),
                    b == nullptr ? "numbers" : dtype_name(b->dtype())));
  }
  return dtype;
}

double largest_count(DType dtype) {
  switch (dtype) {
    case DType::i32:
      return std::numeric_limits<std::int32_t>::max();
    case DType::i64:
      return 0x1p63 - 1024.0;  // the largest double below 2^63
    default:
      return std::numeric_limits<double>::max();
  }
}

constexpr std::string_view kRemedy = "pass a tensor of f64";

void check_count(double count, DType dtype) {
  const double most = largest_count(dtype);
  if (!std::isfinite(count) || count > most) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("counts of a binomial in {} are finite and at most {}, not {}",
                            dtype_name(dtype), most, count));
  }
}

void check_probability(double probability) {
  if (!(probability >= 0 && probability <= 1)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("probs of a binomial lie in [0, 1]; {} does not", probability));
  }
}

// What no float has is not rounded to another count.
void check_count_kept(long double exact, double narrowed, DType trials) {
  if (exact > 0 && std::abs(exact - static_cast<long double>(narrowed)) >= 0.5L) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("counts of a binomial is {:.0f}, which is {:.0f} in {}; {}", exact,
                            narrowed, dtype_name(trials), kRemedy));
  }
}

// A number is taken as it was written: checked before it becomes one of the parameters' type.
void check_count_number(const Parameter& counts, DType trials, DType dtype) {
  const double count = counts.as_floating(DType::f64);
  check_count(count, dtype);
  check_narrowing("counts of a binomial", counts, trials, kRemedy);
  const long double exact = counts.is_integer() && count > 0
                                ? static_cast<long double>(counts.as_integer(DType::u64, "counts"))
                                : static_cast<long double>(count);
  check_count_kept(exact, counts.as_floating(trials), trials);
}

// An element of integers likewise; floats are in the parameters' type already.
void check_count_elements(const Tensor& counts, DType trials) {
  visit_dtype(counts.dtype(), [&]<class T>(T) {
    if constexpr (std::integral<T>) {
      const std::span<const T> elements = counts.values<T>();
      for (std::size_t i = 0; i < elements.size(); ++i) {
        check_count_kept(static_cast<long double>(elements[i]),
                         element_as_floating(counts, static_cast<std::int64_t>(i), trials), trials);
      }
    }
  });
}

void check_probability_number(const Parameter& probabilities, DType trials) {
  check_probability(probabilities.as_floating(DType::f64));
  check_narrowing("probs of a binomial", probabilities, trials, kRemedy);
}

// floor(batch * 200 * (samples + 3) / 4) elements' worth of blocks: what TensorFlow's binomial
// reserves.
std::uint64_t reserved_blocks(std::uint64_t batch, std::uint64_t samples) {
  const auto product = static_cast<unsigned __int128>(batch) * 200u * (samples + 3u);
  return kBlocksPerElement * static_cast<std::uint64_t>(product / 4u);
}

}  // namespace

std::uint64_t element_bits(double value, DType dtype) {
  std::uint64_t word = 0;
  visit_dtype(dtype, [&]<class T>(T) {
    T element;
    if constexpr (std::is_arithmetic_v<T>) {
      element = static_cast<T>(value);
    } else {
      element = T::from_float(static_cast<float>(value));
    }
    std::memcpy(&word, &element, sizeof(element));
  });
  return word;
}

Tensor expanded(const Tensor& parameter, const Shape& shape) {
  Tensor result(parameter.dtype(), shape);
  visit_dtype(parameter.dtype(), [&]<class T>(T) {
    const std::span<T> out = result.values<T>();
    const std::span<const T> in = parameter.values<T>();
    if (in.size() == 1) {
      std::ranges::fill(out, in[0]);
      return;
    }
    if (in.size() == out.size()) {
      std::ranges::copy(in, out.begin());
      return;
    }
    for_each_broadcast(shape, {parameter.shape(), ShapeView{}, ShapeView{}},
                       [&](std::int64_t i, std::int64_t p, std::int64_t, std::int64_t) {
                         out[static_cast<std::size_t>(i)] = in[static_cast<std::size_t>(p)];
                       });
  });
  return result;
}

void check_narrowing(std::string_view name, const Parameter& number, DType dtype,
                     std::string_view remedy) {
  if (number.tensor() != nullptr) return;
  const double value = number.as_floating(DType::f64);
  const double narrowed = number.as_floating(dtype);
  if (std::isinf(narrowed) != std::isinf(value) || (narrowed == 0) != (value == 0)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{} is {}, which is {} in {}; {}", name, value, narrowed,
                            dtype_name(dtype), remedy));
  }
}

void DrawPlan::plan_binomial(const StreamDefinition& definition, const Parameter& counts,
                             const Parameter& probabilities) {
  if (definition.fill_binomial == nullptr) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("TensorFlow defines no binomial for {}; use Philox", definition.name));
  }
  if (!makes_binomials(dtype())) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("binomial makes f16, f32, f64, i32 or i64 values, not {}",
                            dtype_name(dtype())));
  }
  trials_ = Trials{};
  trials_->dtype = trials_dtype(counts, probabilities);
  record_.scalars = {record_scalar(counts, trials_->dtype),
                     record_scalar(probabilities, trials_->dtype)};
  if (elements_ != 0 && counts.tensor() == nullptr) {
    check_count_number(counts, trials_->dtype, dtype());
  }
  if (elements_ != 0 && probabilities.tensor() == nullptr) {
    check_probability_number(probabilities, trials_->dtype);
  }
  if (counts.tensor() == nullptr && probabilities.tensor() == nullptr) {
    trials_->scalars = {element_bits(counts.as_floating(trials_->dtype), trials_->dtype),
                        element_bits(probabilities.as_floating(trials_->dtype), trials_->dtype)};
    trials_->samples = static_cast<std::uint64_t>(elements_);
  } else {
    plan_trial_tensors(counts, probabilities);
  }
  blocks_ = reserved_blocks(trials_->batch, trials_->samples);
}

void DrawPlan::plan_trial_tensors(const Parameter& counts, const Parameter& probabilities) {
  const Tensor n = converted_parameter(counts, trials_->dtype);
  const Tensor p = converted_parameter(probabilities, trials_->dtype);
  const Shape batch_shape = broadcast_shapes(n.shape(), p.shape());
  const ShapeView tail = record_.shape.last(std::min(batch_shape.size(), record_.shape.size()));
  if (!std::ranges::equal(tail, batch_shape)) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("the shape of a binomial must end with that of counts and probs: {} does not "
                    "end with {}",
                    shape_to_string(record_.shape), shape_to_string(batch_shape)));
  }
  if (elements_ != 0) {
    if (counts.tensor() != nullptr) check_count_elements(*counts.tensor(), trials_->dtype);
    for (std::int64_t i = 0; i < n.size(); ++i) {
      check_count(element_as_floating(n, i, DType::f64), dtype());
    }
    for (std::int64_t i = 0; i < p.size(); ++i) {
      check_probability(element_as_floating(p, i, DType::f64));
    }
  }
  trials_->batch = static_cast<std::uint64_t>(element_count(batch_shape));
  trials_->samples =
      trials_->batch == 0 ? 0 : static_cast<std::uint64_t>(elements_) / trials_->batch;
  trials_->counts = expanded(n, batch_shape);
  trials_->probabilities = expanded(p, batch_shape);
}

void DrawPlan::run_binomial(const StreamDefinition& definition, std::uint64_t key,
                            kernels::Counter counter, void* output) const {
  const Trials& trials = *trials_;
  const bool scalar = trials.counts.size() == 0;
  definition.fill_binomial({.dtype = dtype(),
                            .parameter_dtype = trials.dtype,
                            .counts = scalar ? static_cast<const void*>(&trials.scalars[0])
                                             : trials.counts.bytes().data(),
                            .probabilities = scalar ? static_cast<const void*>(&trials.scalars[1])
                                                    : trials.probabilities.bytes().data(),
                            .batch = trials.batch,
                            .samples = trials.samples,
                            .key = key,
                            .counter = counter,
                            .output = output,
                            .first_element = 0,
                            .count = static_cast<std::uint64_t>(elements_)});
}

}  // namespace counterpoint::inline v1
