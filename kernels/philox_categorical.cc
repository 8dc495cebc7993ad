// Categories by inversion: running sums of exp(logit - largest), searched for a uniform's share.
// Source: docs/streams.md section 14.
#include <cmath>

#include "counterpoint/kernels/internal/math.h"
#include "counterpoint/kernels/internal/philox_readers.h"
#include "counterpoint/kernels/internal/philox_samplers.h"

namespace counterpoint::inline v1::kernels {
namespace {

template <class T>
double widened(T x) {
  if constexpr (std::is_arithmetic_v<T>) {
    return static_cast<double>(x);
  } else {
    return x.to_float();
  }
}

// Running sums of a row's weights. A logit that is not finite weighs nothing.
template <class T>
void add_up(const T* logits, std::uint64_t classes, double* sums) {
  double most = -std::numeric_limits<double>::infinity();
  for (std::uint64_t j = 0; j < classes; ++j) {
    const double x = widened(logits[j]);
    if (std::isfinite(x) && x > most) most = x;
  }
  double sum = 0;
  for (std::uint64_t j = 0; j < classes; ++j) {
    const double x = widened(logits[j]);
    if (std::isfinite(x)) sum += math::exp(x - most);
    sums[j] = sum;
  }
}

// How many of the sums, which ascend, are at most x; without branches, which random numbers would
// mispredict.
std::uint64_t upper_bound(const double* sums, std::uint64_t count, double x) {
  const double* base = sums;
  while (count > 1) {
    const std::uint64_t half = count / 2;
    base += base[half - 1] <= x ? half : 0;
    count -= half;
  }
  return static_cast<std::uint64_t>(base - sums) + (*base <= x ? 1 : 0);
}

template <class T, class Logit>
void fill_typed(const CategoricalFill& fill) {
  T* out = static_cast<T*>(fill.output);
  const Logit* logits = static_cast<const Logit*>(fill.logits) + fill.first_row * fill.classes;
  std::uint64_t number = fill.first_row * fill.samples;  // of the uniform in the stream
  PhiloxWords words = philox_block(fill.counter + number / 2, fill.key);
  for (std::uint64_t row = 0; row < fill.row_count; ++row, logits += fill.classes) {
    add_up(logits, fill.classes, fill.sums);
    const double total = fill.sums[fill.classes - 1];
    for (std::uint64_t s = 0; s < fill.samples; ++s, ++number) {
      const bool second = number % 2 != 0;
      if (!second) words = philox_block(fill.counter + number / 2, fill.key);
      const double u = second ? unit_f64(words[2], words[3]) : unit_f64(words[0], words[1]);
      *out++ = static_cast<T>(upper_bound(fill.sums, fill.classes, u * total));
    }
  }
}

template <class T>
void fill_output(const CategoricalFill& fill) {
  visit_dtype(fill.logits_dtype, [&]<class Logit>(Logit) { fill_typed<T, Logit>(fill); });
}

}  // namespace

void fill_philox_categorical(const CategoricalFill& fill) {
  if (fill.dtype == DType::i32) return fill_output<std::int32_t>(fill);
  fill_output<std::int64_t>(fill);
}

}  // namespace counterpoint::inline v1::kernels
