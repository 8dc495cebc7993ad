// math_f64.h's exp, pow and log(k!) in vectors: the same operations in the same order.
//
//   VD e = ExpF64(x);                  // any x but NaN
//   VD w = PowOfUnitF64(u, y);         // 0 <= u < 1, y > 0
//   VD f = LogFactorialF64(k);         // k = 0, 1, 2, ...
//
// Per-target, as philox-inl.h.
#if defined(COUNTERPOINT_KERNELS_SIMD_EXP_F64_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_EXP_F64_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_EXP_F64_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_EXP_F64_INL_H_
#endif

#include "counterpoint/kernels/simd/math_f64-inl.h"

#if COUNTERPOINT_VECTORS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

// 2^exponent for integers from -1022 to 1023.
HWY_INLINE VD PowerOfTwo(VD exponent) {
  const V64 bits = hn::BitCast(D64(), hn::Add(exponent, BroadcastF64(0x1p52 + 1023)));
  return hn::BitCast(DD(), hn::ShiftLeft<52>(bits));
}

HWY_INLINE VD ExpOfParts(VD x, VD x_lo) {
  const DD d;
  const VD half = hn::CopySign(BroadcastF64(0.5), x);
  const VD k = hn::Trunc(hn::Add(hn::Mul(x, BroadcastF64(math::kLog2E)), half));
  const VD hi = hn::Sub(x, hn::Mul(k, BroadcastF64(math::kLn2Hi)));
  const VD lo = hn::Mul(k, BroadcastF64(math::kLn2Lo));
  const VD r_of_x = hn::Sub(hi, lo);
  const VD r = hn::Add(r_of_x, x_lo);
  const VD r_lo = hn::Add(hn::Sub(hn::Sub(hi, r_of_x), lo), hn::Sub(x_lo, hn::Sub(r, r_of_x)));
  const VD series = hn::Mul(hn::Mul(r, r), Horner(r, math::kExpP));
  const VD y = hn::Add(BroadcastF64(1.0), hn::Add(r, hn::Add(series, r_lo)));
  const VD half_k = hn::Trunc(hn::Mul(k, BroadcastF64(0.5)));
  const VD e = hn::Mul(hn::Mul(y, PowerOfTwo(half_k)), PowerOfTwo(hn::Sub(k, half_k)));
  const VD or_infinity = hn::IfThenElse(hn::Gt(x, BroadcastF64(709.8)),
                                        BroadcastF64(std::numeric_limits<double>::infinity()), e);
  return hn::IfThenElse(hn::Lt(x, BroadcastF64(-745.2)), hn::Zero(d), or_infinity);
}

HWY_INLINE VD ExpF64(VD x) { return ExpOfParts(x, hn::Zero(DD())); }

HWY_INLINE VD PowOfUnitF64(VD x, VD y) {
  const DD d;
  VD log_hi, log_lo, l_hi, l_lo, product_hi, product_lo;
  LogPartsF64(x, log_hi, log_lo);
  FastTwoSum(log_hi, log_lo, l_hi, l_lo);
  TwoProduct(y, l_hi, product_hi, product_lo);
  const VD power = ExpOfParts(product_hi, hn::Add(product_lo, hn::Mul(y, l_lo)));
  const auto normal = hn::Ge(x, BroadcastF64(std::numeric_limits<double>::min()));
  const auto large = hn::Gt(hn::Mul(y, l_hi), BroadcastF64(-746.0));
  return hn::IfThenElse(hn::And(normal, large), power, hn::Zero(d));
}

HWY_INLINE VD LogFactorialF64(VD k) {
  const DD d;
  constexpr double kSeries[5] = {1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188};
  const VD one = BroadcastF64(1.0);
  const VD x = hn::Add(k, one);
  const VD reciprocal = hn::Div(one, x);
  const VD tail = hn::Mul(reciprocal, Horner(hn::Mul(reciprocal, reciprocal), kSeries));
  const VD stirling = hn::Add(hn::Sub(hn::Mul(hn::Sub(x, BroadcastF64(0.5)), LogF64(x)), x),
                              hn::Add(BroadcastF64(math::kHalfLogTwoPi), tail));
  const auto small = hn::Lt(k, BroadcastF64(16));
  if (hn::AllFalse(d, small)) return stirling;
  const V64 index = hn::And(hn::BitCast(D64(), hn::Add(k, BroadcastF64(0x1p52))), Broadcast64(15));
  const VD exact =
      hn::GatherIndex(d, math::kLogFactorials, hn::BitCast(hn::RebindToSigned<DD>(), index));
  return hn::IfThenElse(small, exact, stirling);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
