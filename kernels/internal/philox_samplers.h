// TensorFlow's stateless samplers on Philox: gamma, Poisson, categorical, bounded normal.
//
//   fill_philox_gamma({.draw = {...}, .dtype = DType::f64, .alpha = alphas, .beta = betas});
//
// Internal. Thread-safety: pure. Source: docs/streams.md sections 12 to 15.
#pragma once

#include <cmath>
#include <limits>
#include <type_traits>

#include "counterpoint/kernels/sampler_fills.h"

namespace counterpoint::inline v1::kernels {

void fill_philox_gamma(const GammaFill& fill);
void fill_philox_poisson(const PoissonFill& fill);
void fill_philox_categorical(const CategoricalFill& fill);
bool fill_philox_bounded_normal(const BoundedNormalFill& fill, std::uint64_t* failed_batch);

inline constexpr std::uint64_t kBlocksPerStream = 256;

// Calls visit(i, b, stream) for the slice's i-th output: which parameters are its, and which
// stream.
template <class Visit>
void for_each_stream(const BatchedDraw& draw, Visit visit) {
  if (draw.count == 0) return;
  std::uint64_t b = draw.first_element % draw.batch;
  std::uint64_t s = draw.first_element / draw.batch;
  for (std::uint64_t i = 0; i < draw.count; ++i) {
    visit(i, b, b * draw.samples + s);
    if (++b == draw.batch) {
      b = 0;
      ++s;
    }
  }
}

// A double as an output, as TensorFlow casts it.
template <class T>
T sample_cast(double x) {
  if constexpr (std::is_same_v<T, Float16>) {
    return Float16::from_float(static_cast<float>(x));
  } else if constexpr (std::is_integral_v<T>) {
    // The cast is undefined outside the type; x86 gives the smallest value.
    const double limit = std::is_same_v<T, std::int32_t> ? 0x1p31 : 0x1p63;
    return x > -limit - 1 && x < limit ? static_cast<T>(x) : std::numeric_limits<T>::min();
  } else {
    return static_cast<T>(x);
  }
}

}  // namespace counterpoint::inline v1::kernels
