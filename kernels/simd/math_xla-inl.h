// math_xla.h's steps in vectors, bit-equal: fused multiply-adds, XLA's f32 log, its truncated normals.
//
//   VF y = FusedF32(z, scale, offset);                 // one rounding, on every target
//   VD w = FusedF64(z, scale, offset);                 // scale and offset fusible
//   VF l = XlaLogF32(u);                               // positive, normal
//   VF t = XlaTruncatedF32(u);                         // 0 <= u < 1
//
// Targets without fused operations compute them as the scalar code does.
//
// Per-target, as philox-inl.h.
#if defined(COUNTERPOINT_KERNELS_SIMD_MATH_XLA_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_MATH_XLA_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_MATH_XLA_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_MATH_XLA_INL_H_
#endif

#include "counterpoint/kernels/internal/math_xla.h"
#include "counterpoint/kernels/simd/math_f64-inl.h"
#include "counterpoint/kernels/simd/normal_f32-inl.h"

#if COUNTERPOINT_VECTORS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

HWY_INLINE VF BroadcastF32(float x) { return hn::Set(DF(), x); }

HWY_INLINE VD PromoteLower(VF x) { return hn::PromoteTo(DD(), hn::LowerHalf(DFHalf(), x)); }
HWY_INLINE VD PromoteUpper(VF x) { return hn::PromoteTo(DD(), hn::UpperHalf(DFHalf(), x)); }

#if HWY_NATIVE_FMA

HWY_INLINE VF FusedF32(VF a, VF b, VF c) { return hn::MulAdd(a, b, c); }
HWY_INLINE VF NearlyFusedF32(VF a, VF b, VF c) { return hn::MulAdd(a, b, c); }
HWY_INLINE VD FusedF64(VD a, VD b, VD c) { return hn::MulAdd(a, b, c); }

#else

HWY_INLINE VD RoundToOdd(VD high, VD low) {
  const DD d;
  const D64 d64;
  const V64 bits = hn::BitCast(d64, high);
  const V64 one = Broadcast64(1);
  // Up in magnitude if the rest has the sum's sign, else down.
  const V64 sign = hn::ShiftRight<63>(hn::Xor(bits, hn::BitCast(d64, low)));
  const V64 step = hn::Sub(one, hn::Add(sign, sign));
  const VD stepped = hn::BitCast(d, hn::Add(bits, step));
  const VD zero = hn::Zero(d);
  const auto inexact = hn::Or(hn::Lt(low, zero), hn::Gt(low, zero));
  const auto even = hn::MaskFromVec(hn::BitCast(d, hn::Sub(hn::And(bits, one), one)));
  return hn::IfThenElse(hn::And(inexact, even), stepped, high);
}

HWY_INLINE VD FusedForF32(VD a, VD b, VD c) {
  VD high, low;
  TwoSum(hn::Mul(a, b), c, high, low);
  return RoundToOdd(high, low);
}

HWY_INLINE VF FusedF32(VF a, VF b, VF c) {
  return RoundToFloats(FusedForF32(PromoteLower(a), PromoteLower(b), PromoteLower(c)),
                       FusedForF32(PromoteUpper(a), PromoteUpper(b), PromoteUpper(c)));
}

HWY_INLINE VF NearlyFusedF32(VF a, VF b, VF c) {
  return RoundToFloats(hn::Add(hn::Mul(PromoteLower(a), PromoteLower(b)), PromoteLower(c)),
                       hn::Add(hn::Mul(PromoteUpper(a), PromoteUpper(b)), PromoteUpper(c)));
}

HWY_INLINE VD FusedF64(VD a, VD b, VD c) {
  VD product_hi, product_lo, low_hi, low_lo, high_hi, high_lo, rest_hi, rest_lo;
  TwoProduct(a, b, product_hi, product_lo);
  TwoSum(c, product_lo, low_hi, low_lo);
  TwoSum(product_hi, low_hi, high_hi, high_lo);
  TwoSum(high_lo, low_lo, rest_hi, rest_lo);
  const VD fused = hn::Add(high_hi, RoundToOdd(rest_hi, rest_lo));
  const VD zero = hn::Zero(DD());
  const auto plain = hn::Or(hn::Eq(b, zero), hn::Eq(c, zero));
  return hn::IfThenElse(plain, hn::Add(hn::Mul(a, b), c), fused);
}

#endif

HWY_INLINE VF XlaLogF32(VF x) {
  const DF d;
  const D32 d32;
  const hn::RebindToSigned<DF> di;
  constexpr auto mad = [](VF a, VF b, VF c) HWY_ATTR { return NearlyFusedF32(a, b, c); };
  const V32 bits = hn::BitCast(d32, x);
  const VF one = BroadcastF32(1.0f);
  const auto biased = hn::BitCast(di, hn::ShiftRight<23>(bits));
  const VF exponent = hn::ConvertTo(d, hn::Sub(biased, hn::Set(di, 126)));
  const VF half_to_one =
      hn::BitCast(d, hn::Or(hn::And(bits, hn::Set(d32, 0x007fffffu)), hn::Set(d32, 0x3f000000u)));
  const auto below = hn::Lt(half_to_one, BroadcastF32(math::kSqrtHalfF32));
  const VF less_one = hn::Sub(half_to_one, one);
  const VF m = hn::IfThenElse(below, hn::Add(less_one, half_to_one), less_one);
  const VF e = hn::IfThenElse(below, hn::Sub(exponent, one), exponent);
  const VF x2 = hn::Mul(m, m);
  const VF x3 = hn::Mul(x2, m);
  const auto p = [](int i) HWY_ATTR { return BroadcastF32(math::kXlaLogP[i]); };
  VF y = mad(mad(m, p(0), p(1)), m, p(2));
  const VF y1 = mad(mad(m, p(3), p(4)), m, p(5));
  const VF y2 = mad(mad(m, p(6), p(7)), m, p(8));
  y = mad(y, x3, y1);
  y = mad(y, x3, y2);
  y = mad(y, x3, hn::Mul(BroadcastF32(math::kXlaLogQ1), e));
  const VF low = hn::Add(hn::Sub(m, hn::Mul(BroadcastF32(0.5f), x2)), y);
  return hn::Add(low, hn::Mul(BroadcastF32(math::kXlaLogQ2), e));
}

// math::log1p for -1 < x <= 0.
HWY_INLINE VD Log1pF64(VD x) {
  const VD one = BroadcastF64(1.0);
  VD sum, rest;
  TwoSum(one, x, sum, rest);
  return hn::Add(LogF64(sum), hn::Div(rest, sum));
}

HWY_INLINE VF XlaTruncatedF32(VF u) {
  const DF d;
  const VF tiny = BroadcastF32(std::numeric_limits<float>::min());
  u = hn::IfThenElse(hn::Eq(u, hn::Zero(d)), tiny, u);
  const VF range = BroadcastF32(math::kXlaTruncatedHighest - math::kXlaTruncatedLowest);
  const VF p = FusedF32(u, range, BroadcastF32(math::kXlaTruncatedLowest));
  const VF x = FusedF32(p, BroadcastF32(2.0f), BroadcastF32(-1.0f));
  const VF square = hn::Neg(hn::Mul(x, x));
  const VF log = RoundToFloats(Log1pF64(PromoteLower(square)), Log1pF64(PromoteUpper(square)));
  const VF w = hn::Sub(hn::Neg(log), BroadcastF32(2.5f));
  VF sum = BroadcastF32(math::kXlaErfInv[0]);
  for (int i = 1; i < 9; ++i) sum = FusedF32(sum, w, BroadcastF32(math::kXlaErfInv[i]));
  return hn::Mul(BroadcastF32(math::kXlaSqrt2), hn::Mul(sum, x));
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
