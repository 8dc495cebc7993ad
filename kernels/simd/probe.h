// The vector code's elementary steps one by one, for exhaustive tests.
//
//   probe_steps(ProbedStep::log, words, out, n);      // out[i] from the low 23 bits of words[i]
//   probe_f16(floats, bits, n);                       // FinishHalves' rounding
//   probe_rough({RoughStep::log, u, v, out, n});      // rough_f64-inl.h's, of n pairs
//
// Internal. n is a multiple of 64, arrays are 64-byte aligned. Thread-safety: pure.
#pragma once

#include <cstdint>

#include "counterpoint/kernels/dtype.h"
#include "counterpoint/kernels/export.h"

namespace counterpoint::inline v1::kernels {

// The last four are XLA's: of the upper 23 bits of words.
enum class ProbedStep {
  log,
  radius,
  angle,
  sine,
  cosine,
  xla_log,
  xla_sine,
  xla_cosine,
  xla_truncated
};

enum class RoughStep { log, normal, power };

struct RoughProbe {
  RoughStep step;
  const double* u;
  const double* v;
  double* out;
  std::uint64_t n;
};

COUNTERPOINT_PUBLIC void probe_steps(ProbedStep step, const std::uint32_t* words, float* out,
                                     std::uint64_t n);
COUNTERPOINT_PUBLIC void probe_f16(const float* in, std::uint16_t* out, std::uint64_t n);
COUNTERPOINT_PUBLIC void probe_bf16(const float* in, std::uint16_t* out, std::uint64_t n);
COUNTERPOINT_PUBLIC void probe_rough(const RoughProbe& probe);

}  // namespace counterpoint::inline v1::kernels
