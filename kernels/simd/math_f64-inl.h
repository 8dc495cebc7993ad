// math_f64.h's log, sin and cos in vectors: the same operations in the same order.
//
//   VD l = LogF64(x);                        // positive, normal x
//   LogPartsF64(x, high, low);               // math::log_parts_f64
//   BoxMullerF64(u, v, sine, cosine);        // 0 < u < 1, 0 <= v < 2 pi
//   TwoProduct(a, b, high, low);             // a * b exactly
//
// Only the error of a product uses a fused operation, and only where the target has one: it is
// exact, so Dekker's splitting gives the same number elsewhere. All else is plain multiplies and
// adds.
//
// Per-target, as philox-inl.h.
#if defined(COUNTERPOINT_KERNELS_SIMD_MATH_F64_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_MATH_F64_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_MATH_F64_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_MATH_F64_INL_H_
#endif

#include "counterpoint/kernels/internal/math.h"
#include "counterpoint/kernels/simd/philox-inl.h"
#include "counterpoint/kernels/simd/quarters-inl.h"

#if COUNTERPOINT_VECTORS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

HWY_INLINE VD BroadcastF64(double x) { return hn::Set(DD(), x); }

#if HWY_TARGET == HWY_SSE4
HWY_INLINE VD UpperHalfOfMantissa(VD x) {
  const VD big = hn::Mul(BroadcastF64(134217729.0), x);
  return hn::Sub(big, hn::Sub(big, x));
}
HWY_INLINE void TwoProduct(VD a, VD b, VD& high, VD& low) {
  const VD a_hi = UpperHalfOfMantissa(a);
  const VD a_lo = hn::Sub(a, a_hi);
  const VD b_hi = UpperHalfOfMantissa(b);
  const VD b_lo = hn::Sub(b, b_hi);
  high = hn::Mul(a, b);
  const VD rest = hn::Sub(hn::Sub(hn::Sub(high, hn::Mul(a_hi, b_hi)), hn::Mul(a_lo, b_hi)),
                          hn::Mul(a_hi, b_lo));
  low = hn::Sub(hn::Mul(a_lo, b_lo), rest);
}
#else
HWY_INLINE void TwoProduct(VD a, VD b, VD& high, VD& low) {
  high = hn::Mul(a, b);
  low = hn::MulSub(a, b, high);
}
#endif

HWY_INLINE void FastTwoSum(VD a, VD b, VD& high, VD& low) {
  high = hn::Add(a, b);
  low = hn::Sub(b, hn::Sub(high, a));
}

HWY_INLINE void TwoSum(VD a, VD b, VD& high, VD& low) {
  high = hn::Add(a, b);
  const VD from_b = hn::Sub(high, a);
  low = hn::Add(hn::Sub(a, hn::Sub(high, from_b)), hn::Sub(b, from_b));
}

template <int kTerms>
HWY_INLINE VD Horner(VD x, const double (&coefficients)[kTerms]) {
  VD sum = BroadcastF64(coefficients[kTerms - 1]);
  for (int i = kTerms - 2; i >= 0; --i) {
    sum = hn::Add(hn::Mul(sum, x), BroadcastF64(coefficients[i]));
  }
  return sum;
}

HWY_INLINE void LogPartsF64(VD x, VD& high, VD& low) {
  const DD d;
  const D64 d64;
  constexpr std::uint64_t kBias = std::uint64_t{1} << 62;  // 1024 exponents: keeps t positive
  const V64 t = hn::Sub(hn::BitCast(d64, x), Broadcast64(math::kLogOffsetF64 - kBias));
  const V64 exponent = hn::Or(hn::ShiftRight<52>(t), Broadcast64(0x4330000000000000u));
  const VD k = hn::Sub(hn::BitCast(d, exponent), BroadcastF64(0x1p52 + 1024));
  const VD z = hn::BitCast(
      d, hn::Add(hn::And(t, Broadcast64(0x000fffffffffffffu)), Broadcast64(math::kLogOffsetF64)));

  const VD one = BroadcastF64(1.0);
  const VD f = hn::Sub(z, one);
  const VD denominator = hn::Add(z, one);
  const VD denominator_lo = hn::Sub(z, hn::Sub(denominator, one));
  const VD reciprocal = hn::Div(one, denominator);
  const VD s = hn::Mul(f, reciprocal);
  VD sd_hi, sd_lo;
  TwoProduct(s, denominator, sd_hi, sd_lo);
  const VD s_lo =
      hn::Mul(hn::Sub(hn::Sub(hn::Sub(f, sd_hi), sd_lo), hn::Mul(s, denominator_lo)), reciprocal);

  VD s2_hi, s2_lo, s3_hi, s3_tail, cubic_hi, cubic_tail;
  TwoProduct(s, s, s2_hi, s2_lo);
  TwoProduct(s2_hi, s, s3_hi, s3_tail);
  const VD s3_lo = hn::Add(s3_tail, hn::Mul(s2_lo, s));
  const VD third_hi = BroadcastF64(math::kTwoThirds.hi);
  TwoProduct(s3_hi, third_hi, cubic_hi, cubic_tail);
  const VD cubic_lo = hn::Add(cubic_tail, hn::Add(hn::Mul(s3_hi, BroadcastF64(math::kTwoThirds.lo)),
                                                  hn::Mul(s3_lo, third_hi)));
  const VD tail = hn::Mul(hn::Mul(s3_hi, s2_hi), Horner(s2_hi, math::kLogP));

  VD first_hi, first_lo, second_hi, second_lo;
  const VD two = BroadcastF64(2.0);
  FastTwoSum(hn::Mul(k, BroadcastF64(math::kLn2Hi)), hn::Mul(two, s), first_hi, first_lo);
  FastTwoSum(first_hi, cubic_hi, second_hi, second_lo);
  const VD two_s_lo = hn::Mul(two, s_lo);
  const VD small = hn::Add(
      hn::Add(hn::Mul(k, BroadcastF64(math::kLn2Lo)), hn::Add(two_s_lo, hn::Mul(two_s_lo, s2_hi))),
      cubic_lo);
  high = second_hi;
  low = hn::Add(hn::Add(first_lo, second_lo), hn::Add(small, tail));
}

HWY_INLINE VD LogF64(VD x) {
  VD high, low;
  LogPartsF64(x, high, low);
  return hn::Add(high, low);
}

// The vector form of math::sincos_parts_f64, after reduction to y + y_lo.
HWY_INLINE void SinCosOfReduced(VD y, VD y_lo, VD& s, VD& s_lo, VD& c, VD& c_lo) {
  VD z_hi, z_lo, y3_hi, y3_tail, cubic_hi, cubic_tail;
  TwoProduct(y, y, z_hi, z_lo);
  TwoProduct(z_hi, y, y3_hi, y3_tail);
  const VD y3_lo = hn::Add(y3_tail, hn::Mul(z_lo, y));
  const VD sixth_hi = BroadcastF64(math::kSixth.hi);
  TwoProduct(y3_hi, sixth_hi, cubic_hi, cubic_tail);
  const VD cubic_lo = hn::Add(
      cubic_tail, hn::Add(hn::Mul(y3_hi, BroadcastF64(math::kSixth.lo)), hn::Mul(y3_lo, sixth_hi)));
  VD s1_hi, s1_lo;
  FastTwoSum(y, hn::Neg(cubic_hi), s1_hi, s1_lo);
  const VD s_tail = hn::Mul(hn::Mul(y3_hi, z_hi), Horner(z_hi, math::kSinS));
  const VD half_z = hn::Mul(BroadcastF64(0.5), z_hi);
  const VD s_small = hn::Add(hn::Sub(hn::Sub(y_lo, hn::Mul(y_lo, half_z)), cubic_lo), s_tail);
  FastTwoSum(s1_hi, hn::Add(s1_lo, s_small), s, s_lo);

  VD z2_hi, z2_tail, quartic_hi, quartic_tail;
  TwoProduct(z_hi, z_hi, z2_hi, z2_tail);
  const VD z2_lo = hn::Add(z2_tail, hn::Mul(BroadcastF64(2.0), hn::Mul(z_hi, z_lo)));
  const VD quarter_hi = BroadcastF64(math::kTwentyFourth.hi);
  TwoProduct(z2_hi, quarter_hi, quartic_hi, quartic_tail);
  const VD quartic_lo = hn::Add(
      quartic_tail,
      hn::Add(hn::Mul(z2_hi, BroadcastF64(math::kTwentyFourth.lo)), hn::Mul(z2_lo, quarter_hi)));
  VD c1_hi, c1_lo, c2_hi, c2_lo;
  FastTwoSum(BroadcastF64(1.0), hn::Neg(half_z), c1_hi, c1_lo);
  FastTwoSum(c1_hi, quartic_hi, c2_hi, c2_lo);
  const VD c_tail = hn::Mul(hn::Mul(z2_hi, z_hi), Horner(z_hi, math::kCosC));
  const VD c_small = hn::Sub(hn::Sub(quartic_lo, hn::Mul(BroadcastF64(0.5), z_lo)),
                             hn::Mul(hn::Sub(y, hn::Mul(y3_hi, sixth_hi)), y_lo));
  FastTwoSum(c2_hi, hn::Add(hn::Add(c1_lo, c2_lo), hn::Add(c_small, c_tail)), c, c_lo);
}

HWY_INLINE MD NearlyTied(VD hi, VD lo, double tie) {
  const DD d;
  const VD power_of_two = hn::And(hi, hn::BitCast(d, Broadcast64(0x7ff0000000000000u)));
  return hn::Gt(hn::Mul(hn::Abs(lo), BroadcastF64(0x1p52 / tie)), power_of_two);
}

// math::box_muller_f64. Signs and quarters are put after the products, which changes no bit.
HWY_INLINE void BoxMullerF64(VD u, VD v, VD& sine, VD& cosine) {
  const DD d;
  const D64 d64;
  // The scalar code truncates; the argument is positive.
  const VD turns =
      hn::Floor(hn::Add(hn::Mul(v, BroadcastF64(math::kTwoOverPi)), BroadcastF64(0.5)));
  const V64 n = hn::BitCast(d64, hn::Add(turns, BroadcastF64(0x1p52)));

  const VD y1 = hn::Sub(v, hn::Mul(turns, BroadcastF64(math::kHalfPi1)));
  VD y2_hi, y2_lo, y, y_lo, s, s_lo, c, c_lo;
  TwoSum(y1, hn::Neg(hn::Mul(turns, BroadcastF64(math::kHalfPi2))), y2_hi, y2_lo);
  const VD rest = hn::Sub(y2_lo, hn::Mul(turns, BroadcastF64(math::kHalfPi3)));
  FastTwoSum(y2_hi, rest, y, y_lo);
  SinCosOfReduced(y, y_lo, s, s_lo, c, c_lo);

  VD log_high, log_low, log, log_lo;
  LogPartsF64(u, log_high, log_low);
  FastTwoSum(log_high, log_low, log, log_lo);
  const VD square = hn::Mul(BroadcastF64(-2.0), log);
  const VD radius = hn::Sqrt(square);
  VD s_part = hn::Mul(s, radius);
  VD c_part = hn::Mul(c, radius);

  const MD log_tied = NearlyTied(log, log_lo, math::kLogTie);
  const MD s_tied = hn::And(log_tied, NearlyTied(s, s_lo, math::kSinCosTie));
  const MD c_tied = hn::And(log_tied, NearlyTied(c, c_lo, math::kSinCosTie));
  if (HWY_UNLIKELY(!hn::AllFalse(d, hn::Or(s_tied, c_tied)))) {
    VD r2_hi, r2_lo;
    TwoProduct(radius, radius, r2_hi, r2_lo);
    const VD residual =
        hn::Sub(hn::Sub(hn::Sub(square, r2_hi), r2_lo), hn::Mul(BroadcastF64(2.0), log_lo));
    const VD radius_lo = hn::Mul(residual, hn::Div(BroadcastF64(0.5), radius));
    const auto rounded_once = [&](VD factor, VD factor_lo) HWY_ATTR {
      VD product_hi, product_lo;
      TwoProduct(factor, radius, product_hi, product_lo);
      const VD small = hn::Add(hn::Mul(factor, radius_lo), hn::Mul(factor_lo, radius));
      return hn::Add(product_hi, hn::Add(product_lo, small));
    };
    s_part = hn::IfThenElse(s_tied, rounded_once(s, s_lo), s_part);
    c_part = hn::IfThenElse(c_tied, rounded_once(c, c_lo), c_part);
  }
  PutQuarter(n, s_part, c_part, sine, cosine);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
