// Elementary functions as fixed sequences of IEEE operations: the same bits on every machine.
//
//   float l = math::log_f32(u);                       // glibc's logf, bit for bit
//   math::SinCos<float> sc = math::sincos_f32(v);     // glibc's sincosf for 0 <= v < 2 pi
//   double d = math::log(x);                          // own sequence
//   math::SinCos<double> sd = math::sincos_f64(w);    // own sequence for 0 <= w < 2 pi
//
// Internal: to be compiled with -ffp-contract=off and never installed, since a caller's flags would
// change the bits. Nothing here calls libm; the square root is IEEE's.
//
// Worst errors against the exact value, in ULP: log_f32 0.79 and sincos_f32 0.57 on every input that
// Box-Muller has; log 0.51, sincos_f64 0.52, log1p 1.1 and exp 0.9 (normal results) on samples against
// quad precision. tests/kernels/precision_test.cc measures them.
//
// Thread-safety: pure. Source: docs/streams.md section 18 for f32.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

namespace counterpoint::inline v1::kernels::math {

template <class T>
struct SinCos {
  T sin;
  T cos;
};

inline constexpr double kLn2 = 0x1.62e42fefa39efp-1;
inline constexpr double kTwoPi = 0x1.921fb54442d18p2;

// ------------------------------------------------------------------ exact steps

// An unevaluated sum hi + lo, |lo| <= ulp(hi) / 2.
struct DoubleDouble {
  double hi;
  double lo;
};

// a + b exactly; |a| >= |b| or a == 0.
constexpr DoubleDouble fast_two_sum(double a, double b) {
  const double sum = a + b;
  return {sum, b - (sum - a)};
}

constexpr DoubleDouble two_sum(double a, double b) {
  const double sum = a + b;
  const double from_b = sum - a;
  return {sum, (a - (sum - from_b)) + (b - from_b)};
}

// a * b exactly, by Dekker's splitting. A fused multiply-subtract gives the same two numbers, which
// is how the vector code gets them where it has one. No operand may be near overflow or underflow.
constexpr DoubleDouble two_product(double a, double b) {
  constexpr double kSplit = 134217729.0;  // 2^27 + 1
  const double a_big = kSplit * a;
  const double a_hi = a_big - (a_big - a);
  const double a_lo = a - a_hi;
  const double b_big = kSplit * b;
  const double b_hi = b_big - (b_big - b);
  const double b_lo = b - b_hi;
  const double product = a * b;
  return {product, a_lo * b_lo - (((product - a_hi * b_hi) - a_lo * b_hi) - a_hi * b_lo)};
}

// ------------------------------------------------------------------ f32, as glibc

struct LogTableEntry {
  double reciprocal;
  double log;
};

inline constexpr LogTableEntry kLogTableF32[16] = {
    {0x1.661ec79f8f3bep+0, -0x1.57bf7808caadep-2}, {0x1.571ed4aaf883dp+0, -0x1.2bef0a7c06ddbp-2},
    {0x1.49539f0f010bp+0, -0x1.01eae7f513a67p-2},  {0x1.3c995b0b80385p+0, -0x1.b31d8a68224e9p-3},
    {0x1.30d190c8864a5p+0, -0x1.6574f0ac07758p-3}, {0x1.25e227b0b8eap+0, -0x1.1aa2bc79c81p-3},
    {0x1.1bb4a4a1a343fp+0, -0x1.a4e76ce8c0e5ep-4}, {0x1.12358f08ae5bap+0, -0x1.1973c5a611cccp-4},
    {0x1.0953f419900a7p+0, -0x1.252f438e10c1ep-5}, {1.0, 0.0},
    {0x1.e608cfd9a47acp-1, 0x1.aa5aa5df25984p-5},  {0x1.ca4b31f026aap-1, 0x1.c5e53aa362eb4p-4},
    {0x1.b2036576afce6p-1, 0x1.526e57720db08p-3},  {0x1.9c2d163a1aa2dp-1, 0x1.bc2860d22477p-3},
    {0x1.886e6037841edp-1, 0x1.1058bc8a07ee1p-2},  {0x1.767dcf5534862p-1, 0x1.4043057b6ee09p-2},
};
inline constexpr double kLogF32A0 = -0x1.00ea348b88334p-2;
inline constexpr double kLogF32A1 = 0x1.5575b0be00b6ap-2;
inline constexpr double kLogF32A2 = -0x1.ffffef20a4123p-2;

// x: positive, normal.
constexpr float log_f32(float x) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t t = bits - 0x3f330000u;
  const LogTableEntry& entry = kLogTableF32[(t >> 19) & 15];
  const std::int32_t exponent = static_cast<std::int32_t>(t) >> 23;
  const double z = std::bit_cast<float>(bits - (t & 0xff800000u));
  const double r = z * entry.reciprocal - 1;
  const double y0 = entry.log + exponent * kLn2;
  const double r2 = r * r;
  const double y = kLogF32A0 * r2 + (kLogF32A1 * r + kLogF32A2);
  return static_cast<float>(y * r2 + (y0 + r));
}

inline constexpr double kTwentyFourBitsOverHalfPi = 0x1.45F306DC9C883p+23;
inline constexpr double kHalfPi = 0x1.921FB54442D18p0;
inline constexpr double kSinF32S1 = -0x1.555545995a603p-3;
inline constexpr double kSinF32S2 = 0x1.1107605230bc4p-7;
inline constexpr double kSinF32S3 = -0x1.994eb3774cf24p-13;
inline constexpr double kCosF32C1 = -0x1.ffffffd0c621cp-2;
inline constexpr double kCosF32C2 = 0x1.55553e1068f19p-5;
inline constexpr double kCosF32C3 = -0x1.6c087e89a359dp-10;
inline constexpr double kCosF32C4 = 0x1.99343027bf8c3p-16;

// Sine and cosine of an angle less `quarter` right angles.
struct ReducedSinCosF32 {
  float sin;
  float cos;
  std::uint32_t quarter;
};

// 0 <= v < 2 pi. Without branches, which random angles would mispredict: glibc's shortcuts below
// 2^-12 and below pi / 4 give the same values.
constexpr ReducedSinCosF32 reduced_sincos_f32(float v) {
  const double angle = v;
  const int n = (static_cast<std::int32_t>(angle * kTwentyFourBitsOverHalfPi) + 0x800000) >> 24;
  const double y = angle - n * kHalfPi;
  const double y2 = y * y;
  const double y3 = y2 * y;
  const double y4 = y2 * y2;
  const double s = (y + y3 * kSinF32S1) + (y3 * y2) * (kSinF32S2 + y2 * kSinF32S3);
  const double c =
      ((1 + y2 * kCosF32C1) + y4 * kCosF32C2) + (y4 * y2) * (kCosF32C3 + y2 * kCosF32C4);
  return {static_cast<float>(s), static_cast<float>(c), static_cast<std::uint32_t>(n)};
}

constexpr SinCos<float> sincos_f32(float v) {
  const ReducedSinCosF32 reduced = reduced_sincos_f32(v);
  // Quarter n: sin is s, c, -s, -c; cos is c, -s, -c, s.
  const std::uint32_t parts[2] = {std::bit_cast<std::uint32_t>(reduced.sin),
                                  std::bit_cast<std::uint32_t>(reduced.cos)};
  const std::uint32_t quarter = reduced.quarter;
  const std::uint32_t swap = 0u - (quarter & 1);
  const std::uint32_t both = (parts[0] ^ parts[1]) & swap;
  return {std::bit_cast<float>((parts[0] ^ both) ^ ((quarter & 2) << 30)),
          std::bit_cast<float>((parts[1] ^ both) ^ (((quarter + 1) & 2) << 30))};
}

// One of the two: sincos_f32's sine, or its cosine, which is the sine a quarter on.
constexpr float sin_or_cos_f32(float v, bool cosine) {
  const ReducedSinCosF32 reduced = reduced_sincos_f32(v);
  const std::uint32_t quarter = reduced.quarter + (cosine ? 1u : 0u);
  const std::uint32_t s = std::bit_cast<std::uint32_t>(reduced.sin);
  const std::uint32_t c = std::bit_cast<std::uint32_t>(reduced.cos);
  const std::uint32_t swap = 0u - (quarter & 1);
  return std::bit_cast<float>((s ^ ((s ^ c) & swap)) ^ ((quarter & 2) << 30));
}

}  // namespace counterpoint::inline v1::kernels::math

#include "counterpoint/kernels/internal/math_f64.h"  // IWYU pragma: export
