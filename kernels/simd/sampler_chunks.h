// The vector kernels of samplers, one a file; each runs on the best instruction set there is.
//
//   const char* ran = draw_gamma_chunk(chunk);   // "AVX3", "AVX2", "SSE4", ...
//   // "scalar", where there are no vectors: all of the chunk is then left to the scalar code.
//
// What they draw has the bits of the scalar samplers. Internal. Thread-safety: pure.
#pragma once

#include "counterpoint/kernels/internal/sampler_chunk.h"

namespace counterpoint::inline v1::kernels {

const char* draw_gamma_chunk(GammaChunk& chunk);
const char* draw_exponential_chunk(GammaChunk& chunk);  // the same where all alphas are 1
const char* draw_poisson_chunk(PoissonProductChunk& chunk);
const char* draw_poisson_chunk(PoissonChunk& chunk);
const char* draw_binomial_chunk(BinomialStepChunk& chunk);
const char* draw_binomial_chunk(BinomialChunk& chunk);

// Outputs of a chunk, to be divided by one beta in T and to be no less than T's smallest normal.
template <class T>
struct GammaOutputs {
  const double* x;  // padded, as a chunk's
  T* out;
  std::uint64_t count;
  T beta;
};

const char* scale_gammas(const GammaOutputs<double>& outputs);
const char* scale_gammas(const GammaOutputs<float>& outputs);

// x to math::exp(x), for x that are not NaN.
const char* exponentials(double* x, std::uint64_t count);

// places[i]: how many of the sums, which ascend, are at most x[i].
const char* upper_bounds(const double* sums, std::uint64_t sum_count, const double* x,
                         std::uint64_t count, std::uint64_t* places);

// The same of one x; without branches, which random numbers would mispredict.
inline std::uint64_t upper_bound(const double* sums, std::uint64_t count, double x) {
  const double* base = sums;
  while (count > 1) {
    const std::uint64_t half = count / 2;
    base += base[half - 1] <= x ? half : 0;
    count -= half;
  }
  return static_cast<std::uint64_t>(base - sums) + (*base <= x ? 1 : 0);
}

inline const char* leave_chunk(SamplerChunk& chunk) {
  for (std::uint64_t i = 0; i < chunk.count; ++i) chunk.left[i] = i;
  chunk.left_count = chunk.count;
  return "scalar";
}

}  // namespace counterpoint::inline v1::kernels
