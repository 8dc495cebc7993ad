// The float steps of XLA's ThreeFry draws, where they differ from TensorFlow's CPU kernels.
//
//   float l = math::xla_log_f32(u);                 // XLA's polynomial, bit for bit
//   float y = math::fused_f32(z, stddev, mean);     // one rounding
//   double w = math::fused_f64(z, stddev, mean);
//   float t = math::xla_truncated_normal_f32(u);    // within 3 ULP of XLA's
//
// Worst errors against the exact value: xla_log_f32 1.19 ULP and the radius made of it 1.20, on every
// input that a draw has; truncated normals 1e-6 absolute, on a sample; fused operations 0.5 ULP.
// tests/kernels/precision_test.cc measures them.
//
// A fused multiply-add is computed from plain operations, so that it is the same number with and
// without hardware for it. Internal and compiled without contraction, as math.h.
// Source: docs/streams.md section 17.
#pragma once

#include <bit>
#include <cstdint>

#include "counterpoint/kernels/internal/math.h"

namespace counterpoint::inline v1::kernels::math {

// sum + error rounded to odd: what makes a further rounding to fewer bits the only one.
// Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", IEEE TC 2008.
constexpr double round_to_odd(DoubleDouble x) {
  if (!(x.lo < 0) && !(x.lo > 0)) return x.hi;  // exact, or not a number
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(x.hi);
  if ((bits & 1) != 0) return x.hi;
  return std::bit_cast<double>((x.lo > 0) == (x.hi > 0) ? bits + 1 : bits - 1);
}

// a * b + c, rounded once.
constexpr float fused_f32(float a, float b, float c) {
  return static_cast<float>(round_to_odd(two_sum(static_cast<double>(a) * b, c)));
}

// Whether `x` is so far from overflow and underflow that fused_f64 may take it as a scale or
// offset.
constexpr bool fusible(double x) {
  const double magnitude = x < 0 ? -x : x;
  return magnitude == 0 || (magnitude > 0x1p-700 && magnitude < 0x1p700);
}

// a * b + c, rounded once, for a uniform or normal a; in two roundings unless b and c are fusible.
constexpr double fused_f64(double a, double b, double c) {
  // Where one of them is zero, plain operations round once, and know the zero's sign.
  if (!fusible(b) || !fusible(c) || b == 0 || c == 0) return a * b + c;
  const DoubleDouble product = two_product(a, b);
  const DoubleDouble low = two_sum(c, product.lo);
  const DoubleDouble high = two_sum(product.hi, low.hi);
  return high.hi + round_to_odd(two_sum(high.lo, low.lo));
}

// The product and sum in f64 round to f32 like a fused operation for every operand that xla_log_f32
// has, as the digest over all of its inputs shows.
constexpr float nearly_fused_f32(float a, float b, float c) {
  return static_cast<float>(static_cast<double>(a) * b + c);
}

inline constexpr float kXlaLogP[9] = {7.0376836292e-2f,  -1.1514610310e-1f, 1.1676998740e-1f,
                                      -1.2420140846e-1f, 1.4249322787e-1f,  -1.6668057665e-1f,
                                      2.0000714765e-1f,  -2.4999993993e-1f, 3.3333331174e-1f};
inline constexpr float kXlaLogQ1 = -2.12194440e-4f;
inline constexpr float kXlaLogQ2 = 0.693359375f;
inline constexpr float kSqrtHalfF32 = 0.707106781186547524f;

// x: positive, normal. As XLA on a machine with fused multiply-adds.
constexpr float xla_log_f32(float x) {
  constexpr auto mad = nearly_fused_f32;
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
  float e = static_cast<float>(static_cast<std::int32_t>(bits >> 23) - 126);
  float m = std::bit_cast<float>((bits & 0x007fffffu) | 0x3f000000u);  // [0.5, 1)
  if (m < kSqrtHalfF32) {
    e -= 1.0f;
    m = (m - 1.0f) + m;
  } else {
    m = m - 1.0f;
  }
  const float x2 = m * m;
  const float x3 = x2 * m;
  const float* p = kXlaLogP;
  float y = mad(mad(m, p[0], p[1]), m, p[2]);
  const float y1 = mad(mad(m, p[3], p[4]), m, p[5]);
  const float y2 = mad(mad(m, p[6], p[7]), m, p[8]);
  y = mad(y, x3, y1);
  y = mad(y, x3, y2);
  y = mad(y, x3, kXlaLogQ1 * e);
  return ((m - 0.5f * x2) + y) + kXlaLogQ2 * e;
}

inline constexpr float kXlaTruncatedLowest =
    0.0227501392f;  // the distribution function at -2, in f32
inline constexpr float kXlaTruncatedHighest = 0.977249861f;  // and at 2
inline constexpr float kXlaErfInv[9] = {2.81022636e-08f,  3.43273939e-07f, -3.5233877e-06f,
                                        -4.39150654e-06f, 2.1858087e-04f,  -1.25372503e-03f,
                                        -4.17768164e-03f, 0.246640727f,    1.50140941f};
inline constexpr float kXlaSqrt2 = 1.41421356f;

// The inverse of the normal distribution function, for a uniform u in [0, 1) stretched over (-2,
// 2). Giles, "Approximating the erfinv function", 2010 (its central polynomial).
inline float xla_truncated_normal_f32(float u) {
  if (u == 0) u = std::numeric_limits<float>::min();
  const float p = fused_f32(u, kXlaTruncatedHighest - kXlaTruncatedLowest, kXlaTruncatedLowest);
  const float x = fused_f32(p, 2.0f, -1.0f);
  const float log = static_cast<float>(log1p(static_cast<double>(-(x * x))));
  const float w = -log - 2.5f;
  float sum = kXlaErfInv[0];
  for (int i = 1; i < 9; ++i) sum = fused_f32(sum, w, kXlaErfInv[i]);
  return kXlaSqrt2 * (sum * x);
}

}  // namespace counterpoint::inline v1::kernels::math
