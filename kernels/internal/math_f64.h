// The f64 half of math.h: log, sin and cos to about half an ULP, log1p, exp, pow and log(k!).
//
//   double l = math::log(x);                          // any x; -inf at 0
//   math::SinCos<double> sc = math::sincos_f64(v);    // 0 <= v < 2 pi
//   math::SinCos<double> z = math::box_muller_f64(u, v);  // 0 < u < 1: two normals
//   double p = math::log1p(-q);                       // q < 1
//   double e = math::exp(x);
//   double w = math::pow_of_unit(u, 1 / a);           // 0 <= u < 1, a > 0
//   double f = math::log_factorial(k);                // k = 0, 1, 2, ...
//
// The leading terms of log, sin and cos are carried as double-doubles, so that Box-Muller with them
// rounds as it does with glibc's functions in all but about three values in a thousand. Polynomials
// are Chebyshev fits of ours. math.h states the worst errors. Internal, pure, and compiled without contraction, as math.h.
#pragma once

#include <cmath>

#include "counterpoint/kernels/internal/math.h"

namespace counterpoint::inline v1::kernels::math {

template <int kTerms>
constexpr double horner(double x, const double (&coefficients)[kTerms]) {
  double sum = coefficients[kTerms - 1];
  for (int i = kTerms - 2; i >= 0; --i) sum = sum * x + coefficients[i];
  return sum;
}

// ------------------------------------------------------------------ log

inline constexpr std::uint64_t kLogOffsetF64 = 0x3fe6a09e667f3bcdu;  // sqrt(1/2)
inline constexpr double kLn2Hi = 0x1.62e42fefa3800p-1;               // 42 bits
inline constexpr double kLn2Lo = 0x1.ef35793c76730p-45;
inline constexpr DoubleDouble kTwoThirds = {0x1.5555555555555p-1, 0x1.5555555555555p-55};
// (2 atanh(s) - 2 s - 2/3 s^3) / s^5 in powers of s^2.
inline constexpr double kLogP[7] = {
    0x1.999999999999ep-2, 0x1.249249248e511p-2, 0x1.c71c71d7ef489p-3, 0x1.745d09ebc663ep-3,
    0x1.3b18ba4163286p-3, 0x1.10188237ff7e4p-3, 0x1.087aabe253d9cp-3,
};

// log(x) + extra_exponent * ln 2 for positive, normal x, to about 2^-63 of itself in the sum of the
// two parts; |lo| is small against |hi|, but may be more than half an ULP of it.
//
// x = 2^k z, z in [sqrt(1/2), sqrt(2)); s = (z - 1) / (z + 1); log z = 2 atanh(s).
constexpr DoubleDouble log_parts_f64(double x, int extra_exponent = 0) {
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(x);
  const std::uint64_t t = bits - kLogOffsetF64;
  const double k =
      static_cast<double>(static_cast<int>(static_cast<std::int64_t>(t) >> 52) + extra_exponent);
  const double z = std::bit_cast<double>(bits - (t & 0xfff0000000000000u));

  const double f = z - 1.0;
  const double d = z + 1.0;
  const double d_lo = z - (d - 1.0);
  const double reciprocal = 1.0 / d;
  const double s = f * reciprocal;
  const DoubleDouble sd = two_product(s, d);
  const double s_lo = (((f - sd.hi) - sd.lo) - s * d_lo) * reciprocal;

  const DoubleDouble s2 = two_product(s, s);
  const DoubleDouble s3 = two_product(s2.hi, s);
  const double s3_lo = s3.lo + s2.lo * s;
  const DoubleDouble cubic = two_product(s3.hi, kTwoThirds.hi);
  const double cubic_lo = cubic.lo + (s3.hi * kTwoThirds.lo + s3_lo * kTwoThirds.hi);
  const double tail = (s3.hi * s2.hi) * horner(s2.hi, kLogP);

  // k ln2 + 2 s + 2/3 s^3 + tail, largest first; 2 s^2 s_lo is what s_lo changes in the cubic.
  const DoubleDouble first = fast_two_sum(k * kLn2Hi, 2.0 * s);
  const DoubleDouble second = fast_two_sum(first.hi, cubic.hi);
  const double two_s_lo = 2.0 * s_lo;
  const double small = (k * kLn2Lo + (two_s_lo + two_s_lo * s2.hi)) + cubic_lo;
  return {second.hi, (first.lo + second.lo) + (small + tail)};
}

// The same in one number.
constexpr double log_normal_f64(double x, int extra_exponent = 0) {
  const DoubleDouble log = log_parts_f64(x, extra_exponent);
  return log.hi + log.lo;
}

constexpr double log(double x) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (x >= std::numeric_limits<double>::min() && x < kInfinity) return log_normal_f64(x);
  if (x == 0) return -kInfinity;
  if (x > 0 && x < kInfinity) return log_normal_f64(x * 0x1p54, -54);  // subnormal
  if (x == kInfinity) return x;
  return std::numeric_limits<double>::quiet_NaN();
}

// log(1 + x) for x > -1.
constexpr double log1p(double x) {
  const double u = 1.0 + x;
  if (!(u > 0) || u == std::numeric_limits<double>::infinity()) return log(u);
  const DoubleDouble sum = two_sum(1.0, x);
  return log_normal_f64(u) + sum.lo / u;
}

// ------------------------------------------------------------------ sin and cos

inline constexpr double kTwoOverPi = 0x1.45f306dc9c883p-1;
// pi / 2 in three parts: 33 bits, 33 bits, the rest; small multiples of the first two are exact.
inline constexpr double kHalfPi1 = 0x1.921fb54400000p+0;
inline constexpr double kHalfPi2 = 0x1.0b4611a600000p-34;
inline constexpr double kHalfPi3 = 0x1.3198a2e037073p-69;
inline constexpr DoubleDouble kSixth = {0x1.5555555555555p-3, 0x1.5555555555555p-57};
inline constexpr DoubleDouble kTwentyFourth = {0x1.5555555555555p-5, 0x1.5555555555555p-59};
// (sin(y) - y + y^3/6) / y^5 and (cos(y) - 1 + y^2/2 - y^4/24) / y^6 in powers of y^2.
inline constexpr double kSinS[6] = {
    0x1.1111111111111p-7,   -0x1.a01a01a019ed6p-13, 0x1.71de3a550c9e6p-19,
    -0x1.ae645533e4fc2p-26, 0x1.61225af9d753ep-33,  -0x1.ab93cc7ac5abcp-41,
};
inline constexpr double kCosC[6] = {
    -0x1.6c16c16c16c17p-10, 0x1.a01a01a019f8ap-16,  -0x1.27e4fb775f589p-22,
    0x1.1eed8e6c2ccc2p-29,  -0x1.93957dabf5e31p-37, 0x1.abe69fa57209cp-45,
};

// 0 <= v < 2 pi. The two parts' sums are right to about 2^-63 of themselves; each hi is the sum rounded.
constexpr SinCos<DoubleDouble> sincos_parts_f64(double v) {
  const int n = static_cast<int>(v * kTwoOverPi + 0.5);
  const double quarter_turns = n;

  // y + y_lo = v - n pi/2, to 2^-120.
  const double y1 = v - quarter_turns * kHalfPi1;
  const DoubleDouble y2 = two_sum(y1, -(quarter_turns * kHalfPi2));
  const double rest = y2.lo - quarter_turns * kHalfPi3;
  const auto [y, y_lo] = fast_two_sum(y2.hi, rest);

  const DoubleDouble z = two_product(y, y);
  const DoubleDouble y3 = two_product(z.hi, y);
  const double y3_lo = y3.lo + z.lo * y;
  const DoubleDouble cubic = two_product(y3.hi, kSixth.hi);
  const double cubic_lo = cubic.lo + (y3.hi * kSixth.lo + y3_lo * kSixth.hi);
  const DoubleDouble s1 = fast_two_sum(y, -cubic.hi);
  const double s_tail = (y3.hi * z.hi) * horner(z.hi, kSinS);
  const double half_z = 0.5 * z.hi;
  const DoubleDouble s =
      fast_two_sum(s1.hi, s1.lo + (((y_lo - y_lo * half_z) - cubic_lo) + s_tail));

  const DoubleDouble z2 = two_product(z.hi, z.hi);
  const double z2_lo = z2.lo + 2.0 * (z.hi * z.lo);
  const DoubleDouble quartic = two_product(z2.hi, kTwentyFourth.hi);
  const double quartic_lo = quartic.lo + (z2.hi * kTwentyFourth.lo + z2_lo * kTwentyFourth.hi);
  const DoubleDouble c1 = fast_two_sum(1.0, -half_z);
  const DoubleDouble c2 = fast_two_sum(c1.hi, quartic.hi);
  const double c_tail = (z2.hi * z.hi) * horner(z.hi, kCosC);
  const double c_small = (quartic_lo - 0.5 * z.lo) - (y - y3.hi * kSixth.hi) * y_lo;
  const DoubleDouble c = fast_two_sum(c2.hi, (c1.lo + c2.lo) + (c_small + c_tail));

  const auto signed_as = [](DoubleDouble x, bool negative) {
    return negative ? DoubleDouble{-x.hi, -x.lo} : x;
  };
  return {signed_as((n & 1) != 0 ? c : s, (n & 2) != 0),
          signed_as((n & 1) != 0 ? s : c, ((n + 1) & 2) != 0)};
}

constexpr SinCos<double> sincos_f64(double v) {
  const SinCos<DoubleDouble> parts = sincos_parts_f64(v);
  return {parts.sin.hi, parts.cos.hi};
}

// ------------------------------------------------------------------ Box-Muller

// How near to the middle of two doubles, in ULP, a logarithm or a sine of glibc's may round to the
// other one. A normal one of whose factors does is at most 2 ULP away.
inline constexpr double kLogTie = 0.48;
inline constexpr double kSinCosTie = 0.475;

// Whether the sum is nearer than that; hi is normal or 0.
constexpr bool nearly_tied(DoubleDouble x, double tie) {
  const double power_of_two =
      std::bit_cast<double>(std::bit_cast<std::uint64_t>(x.hi) & 0x7ff0000000000000u);
  return (x.lo < 0 ? -x.lo : x.lo) * (0x1p52 / tie) > power_of_two;
}

// sqrt(-2 log u) times sine and cosine of v, every step rounded; but where the logarithm and the sine
// (cosine) are both nearly tied, the product is rounded once. 0 < u < 1, 0 <= v < 2 pi.
inline SinCos<double> box_muller_f64(double u, double v) {
  const DoubleDouble parts = log_parts_f64(u);
  const DoubleDouble log = fast_two_sum(parts.hi, parts.lo);
  const double square = -2.0 * log.hi;
  const double radius = std::sqrt(square);
  const bool log_tied = nearly_tied(log, kLogTie);
  const auto times_radius = [&](DoubleDouble factor) {
    if (!log_tied || !nearly_tied(factor, kSinCosTie)) return factor.hi * radius;
    const DoubleDouble r2 = two_product(radius, radius);
    const double radius_lo = (((square - r2.hi) - r2.lo) - 2.0 * log.lo) * (0.5 / radius);
    const DoubleDouble product = two_product(factor.hi, radius);
    return product.hi + (product.lo + (factor.hi * radius_lo + factor.lo * radius));
  };
  const SinCos<DoubleDouble> direction = sincos_parts_f64(v);
  return {times_radius(direction.sin), times_radius(direction.cos)};
}

// ------------------------------------------------------------------ exp

inline constexpr double kLog2E = 0x1.71547652b82fep+0;
// (exp(r) - 1 - r) / r^2.
inline constexpr double kExpP[11] = {
    0x1.0000000000000p-1,  0x1.5555555555557p-3,  0x1.5555555555556p-5,  0x1.11111111100dfp-7,
    0x1.6c16c16c162d6p-10, 0x1.a01a01abe63b3p-13, 0x1.a01a01a6d7883p-16, 0x1.71de02372bdd3p-19,
    0x1.27e4db679bec4p-22, 0x1.af4ddddcf06d6p-26, 0x1.1f72fca58cc92p-29,
};

// e^(x + x_lo) for an x_lo that is a rounding error of x.
constexpr double exp_of_parts(double x, double x_lo) {
  if (!(x == x)) return x;
  if (x > 709.8) return std::numeric_limits<double>::infinity();
  if (x < -745.2) return 0.0;
  const int k = static_cast<int>(x * kLog2E + (x < 0 ? -0.5 : 0.5));
  const double hi = x - k * kLn2Hi;
  const double lo = k * kLn2Lo;
  const double r_of_x = hi - lo;
  const double r = r_of_x + x_lo;
  const double r_lo = ((hi - r_of_x) - lo) + (x_lo - (r - r_of_x));
  const double y = 1.0 + (r + (r * r * horner(r, kExpP) + r_lo));
  const auto power_of_two = [](int exponent) {
    return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52);
  };
  const int half = k / 2;  // in two steps, so that neither factor overflows
  return y * power_of_two(half) * power_of_two(k - half);
}

constexpr double exp(double x) { return exp_of_parts(x, 0.0); }

// ------------------------------------------------------------------ pow

// x^y for 0 <= x < 1 and y > 0, to about an ULP where the result is normal.
constexpr double pow_of_unit(double x, double y) {
  if (!(x >= std::numeric_limits<double>::min())) return x * 0.0;
  const DoubleDouble parts = log_parts_f64(x);
  const DoubleDouble l = fast_two_sum(parts.hi, parts.lo);
  if (!(y * l.hi > -746.0)) return 0.0;  // also keeps the product below from overflowing
  const DoubleDouble product = two_product(y, l.hi);
  return exp_of_parts(product.hi, product.lo + y * l.lo);
}

// ------------------------------------------------------------------ log of the factorial

// log(0!) to log(15!).
inline constexpr double kLogFactorials[16] = {
    0.0,
    0.0,
    0x1.62e42fefa39efp-1,
    0x1.cab0bfa2a2002p+0,
    0x1.96ca77c922cf9p+1,
    0x1.326643c4479c9p+2,
    0x1.a51273acf01cap+2,
    0x1.10ce1f32dcc30p+3,
    0x1.5358e82fcb70dp+3,
    0x1.99a8921a7f7cfp+3,
    0x1.e357590954d15p+3,
    0x1.180973f3a8d74p+4,
    0x1.3fcba16d50143p+4,
    0x1.68d5a9c3b32cep+4,
    0x1.930f3df162a42p+4,
    0x1.be636a63fd346p+4,
};
inline constexpr double kHalfLogTwoPi = 0x1.d67f1c864beb5p-1;

// log(k!) for an integer k >= 0, to 2 ULP: Stirling's series from 16 on.
constexpr double log_factorial(double k) {
  if (k < 16) return kLogFactorials[static_cast<int>(k)];
  constexpr double kSeries[5] = {1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188};
  const double x = k + 1;
  const double reciprocal = 1 / x;
  const double tail = reciprocal * horner(reciprocal * reciprocal, kSeries);
  return ((x - 0.5) * log(x) - x) + (kHalfLogTwoPi + tail);
}

}  // namespace counterpoint::inline v1::kernels::math
