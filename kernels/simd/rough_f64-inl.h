// Logs, normals and powers in f64 of some 48 bits, at half the operations of math_f64-inl.h's: for
// decisions and roundings that need the last bits only of rare lanes, which are then drawn again.
//
//   VD l = RoughLog(u);                         // to 2^-48 of itself; 0 < u, normal
//   VD z = RoughNormal(u, v);                   // to 2^-44: NormalsF64's cosine part
//   VD w = RoughPowOfUnit(u, y);                // 0 <= u < 1, y > 0
//   if (!RoundingToF32(w).all_certain()) { ... }
//
// What depends on a rough number must be the same for all numbers within its bound. So multiply-adds
// may fuse or not, as the target likes. tests/kernels/rough_test.cc measures the bounds.
//
// Per-target, as philox-inl.h.
#if defined(COUNTERPOINT_KERNELS_SIMD_ROUGH_F64_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_ROUGH_F64_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_ROUGH_F64_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_ROUGH_F64_INL_H_
#endif

#include "counterpoint/kernels/simd/exp_f64-inl.h"

#if COUNTERPOINT_VECTORS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

// To 2^-48 of itself, for positive and normal u; about -709 for 0.
HWY_INLINE VD RoughLog(VD u) {
  const DD d;
  constexpr std::uint64_t kBias = std::uint64_t{1} << 62;  // 1024 exponents: keeps t positive
  const V64 t = hn::Sub(hn::BitCast(D64(), u), Broadcast64(math::kLogOffsetF64 - kBias));
  const V64 exponent = hn::Or(hn::ShiftRight<52>(t), Broadcast64(0x4330000000000000u));
  const VD k = hn::Sub(hn::BitCast(d, exponent), BroadcastF64(0x1p52 + 1024));
  const VD z = hn::BitCast(
      d, hn::Add(hn::And(t, Broadcast64(0x000fffffffffffffu)), Broadcast64(math::kLogOffsetF64)));
  const VD one = BroadcastF64(1.0);
  const VD s = hn::Div(hn::Sub(z, one), hn::Add(z, one));
  const VD s2 = hn::Mul(s, s);
  VD series = BroadcastF64(math::kLogP[6]);
  for (int i = 5; i >= 0; --i) series = hn::MulAdd(series, s2, BroadcastF64(math::kLogP[i]));
  series = hn::MulAdd(series, s2, BroadcastF64(2.0 / 3));
  series = hn::MulAdd(series, s2, BroadcastF64(2.0));
  return hn::MulAdd(k, BroadcastF64(math::kLn2), hn::Mul(series, s));
}

// cos(2 pi turns) to 2^-49, for turns in [0, 1): the sine of as much as |turns - 1/2| is off 1/4,
// which are exact, by sin(2 pi a) / a in powers of a^2 up to 1/16.
HWY_INLINE VD RoughCosineOfTurns(VD turns) {
  constexpr double kSeries[8] = {
      0x1.921fb54442d17p+2, -0x1.4abbce625bd83p+5, 0x1.466bc677522bdp+6, -0x1.32d2cce1ea145p+6,
      0x1.5078327046959p+5, -0x1.e30631bdf732dp+3, 0x1.e89f6fe44fe7bp+1, -0x1.62903d02bb153p-1,
  };
  const VD a = hn::Sub(hn::Abs(hn::Sub(turns, BroadcastF64(0.5))), BroadcastF64(0.25));
  const VD a2 = hn::Mul(a, a);
  VD series = BroadcastF64(kSeries[7]);
  for (int i = 6; i >= 0; --i) series = hn::MulAdd(series, a2, BroadcastF64(kSeries[i]));
  return hn::Mul(series, a);
}

// To 2^-44.
HWY_INLINE VD RoughNormal(VD u, VD v) {
  const VD log = RoughLog(hn::Max(u, BroadcastF64(1.0e-7)));
  const VD radius = hn::Sqrt(hn::Mul(BroadcastF64(-2.0), log));
  return hn::Mul(RoughCosineOfTurns(v), radius);
}

// u^y for 0 <= u < 1 and y > 0: to 2^-40 of itself where it is above 2^-160; below, about as small.
HWY_INLINE VD RoughPowOfUnit(VD u, VD y) {
  // The bound keeps the power of two normal.
  const VD x = hn::Max(hn::Mul(RoughLog(u), y), BroadcastF64(-700.0));
  const VD k = hn::Round(hn::Mul(x, BroadcastF64(math::kLog2E)));
  const VD r =
      hn::NegMulAdd(k, BroadcastF64(math::kLn2Lo), hn::NegMulAdd(k, BroadcastF64(math::kLn2Hi), x));
  VD series = BroadcastF64(math::kExpP[10]);
  for (int i = 9; i >= 0; --i) series = hn::MulAdd(series, r, BroadcastF64(math::kExpP[i]));
  series = hn::MulAdd(series, r, BroadcastF64(1.0));
  series = hn::MulAdd(series, r, BroadcastF64(1.0));
  return hn::Mul(series, PowerOfTwo(k));
}

#if COUNTERPOINT_VECTOR_MEMBERS
// Whether all numbers within 2^-38 of x round to one f32: by lanes, and for all lanes at less cost.
class RoundingToF32 {
 public:
  explicit HWY_INLINE RoundingToF32(VD x)
      : low_(hn::DemoteTo(DNarrow(), hn::Mul(x, BroadcastF64(1 - 0x1p-38)))),
        high_(hn::DemoteTo(DNarrow(), hn::Mul(x, BroadcastF64(1 + 0x1p-38)))) {}

  HWY_INLINE bool all_certain() const { return hn::AllTrue(DNarrow(), hn::Eq(low_, high_)); }
  HWY_INLINE hn::Mask<DD> certain() const {
    return hn::Eq(hn::PromoteTo(DD(), low_), hn::PromoteTo(DD(), high_));
  }

 private:
  using DNarrow = hn::Rebind<float, DD>;
  hn::Vec<DNarrow> low_;
  hn::Vec<DNarrow> high_;
};
#endif

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
