// TensorFlow's samplers on Philox: binomial, gamma, Poisson, categorical, bounded normal.
//
//   const char* ran = fill_philox_gamma({.draw = {...}, .dtype = DType::f64, .alpha = alphas,
//                                        .beta = betas});   // "AVX3", ..., "scalar"
//   fill_philox_gamma_scalar(fill);                         // the same bits
//
// Internal. Thread-safety: pure. Source: docs/streams.md sections 11 to 15.
#pragma once

#include <cmath>
#include <limits>
#include <type_traits>

#include "counterpoint/kernels/internal/ieee_arithmetic.h"
#include "counterpoint/kernels/internal/sampler_chunk.h"
#include "counterpoint/kernels/stream_definition.h"

namespace counterpoint::inline v1::kernels {

// By vectors, but for a few outputs and for streams that carry into the counter's upper half.
const char* fill_philox_binomial(const BinomialFill& fill);
const char* fill_philox_gamma(const GammaFill& fill);
const char* fill_philox_poisson(const PoissonFill& fill);
void fill_philox_categorical(const CategoricalFill& fill);

void fill_philox_binomial_scalar(const BinomialFill& fill);
void fill_philox_gamma_scalar(const GammaFill& fill);
void fill_philox_poisson_scalar(const PoissonFill& fill);
void fill_philox_categorical_scalar(const CategoricalFill& fill);
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

// Up to here the scalar code is faster than whole vectors.
inline constexpr std::uint64_t kFewOutputs = 4;

inline bool worth_chunks(const BatchedDraw& draw) {
  return draw.count > kFewOutputs &&
         fits_chunks(draw.counter, draw.batch * draw.samples, kBlocksPerStream);
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
