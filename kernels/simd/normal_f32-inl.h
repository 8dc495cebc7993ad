// Box-Muller in f32 for two vectors of blocks: four vectors of normals in natural order.
//
//   NormalLanes(first, second);              // which block of a tile each lane computes
//   VF n0, n1, n2, n3;
//   NormalsOfBlocks(a0, b0, ..., d1, n0, n1, n2, n3);
//
// Per-target, as philox-inl.h.
#if defined(COUNTERPOINT_KERNELS_SIMD_NORMAL_F32_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_NORMAL_F32_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_NORMAL_F32_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_NORMAL_F32_INL_H_
#endif

#include "counterpoint/kernels/simd/math_f32-inl.h"

#if COUNTERPOINT_VECTORS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

// Two vectors of doubles, rounded to one of floats.
HWY_INLINE VF RoundToFloats(VD lower, VD upper) {
  const DFHalf half;
  return hn::Combine(DF(), hn::DemoteTo(half, upper), hn::DemoteTo(half, lower));
}

HWY_INLINE VF RadiusF32(V64 words0, V64 words1) {
  const DD d;
  const DF df;
  const VD floor = hn::Set(d, static_cast<double>(kSmallestUniform));
  const VD log0 = LogUnitF32(hn::Max(UnitOfWords(words0), floor));
  const VD log1 = LogUnitF32(hn::Max(UnitOfWords(words1), floor));
  return hn::Sqrt(hn::Mul(hn::Set(df, -2.0f), RoundToFloats(log0, log1)));
}

// An f32 angle's value for each lane.
HWY_INLINE VD AngleF32(V64 words) {
  const DD d;
  const VD angle = hn::Mul(hn::Set(d, math::kTwoPi), UnitOfWords(words));
  return hn::PromoteTo(d, hn::DemoteTo(DFHalf(), angle));
}

// Of two vectors of lanes, the sine parts and the cosine parts.
HWY_INLINE void NormalsF32(V64 first0, V64 first1, V64 second0, V64 second1, VF& sine_part,
                           VF& cosine_part) {
  const VF radius = RadiusF32(first0, first1);
  VD sine0, cosine0, sine1, cosine1;
  SinCosF32(AngleF32(second0), sine0, cosine0);
  SinCosF32(AngleF32(second1), sine1, cosine1);
  sine_part = hn::Mul(RoundToFloats(sine0, sine1), radius);
  cosine_part = hn::Mul(RoundToFloats(cosine0, cosine1), radius);
}

// Over both vectors, lane l computes block l / 4 + (l mod 4) * lanes / 4 of the tile: the two
// interleavings of NormalsOfBlocks then leave blocks in order.
HWY_INLINE void NormalLanes(V64& first, V64& second) {
  const D64 d;
  const std::uint64_t lanes = hn::Lanes(d);
  const auto block = [&](V64 lane) HWY_ATTR {
    return hn::Add(hn::ShiftRight<2>(lane),
                   MulLow32(hn::And(lane, Broadcast64(3)), Broadcast64(lanes / 2)));
  };
  first = block(hn::Iota(d, 0));
  second = block(hn::Iota(d, lanes));
}

HWY_INLINE void NormalsOfBlocks(V64 a0, V64 b0, V64 c0, V64 d0, V64 a1, V64 b1, V64 c1, V64 d1,
                                VF& n0, VF& n1, VF& n2, VF& n3) {
  const DF df;
  const DD d;
  VF sine_p, cosine_p, sine_q, cosine_q;
  NormalsF32(a0, a1, b0, b1, sine_p, cosine_p);
  NormalsF32(c0, c1, d0, d1, sine_q, cosine_q);
  // Pairs of a block's first two words, then of its last two.
  const VD p_lower = hn::BitCast(d, hn::InterleaveLower(df, sine_p, cosine_p));
  const VD p_upper = hn::BitCast(d, hn::InterleaveUpper(df, sine_p, cosine_p));
  const VD q_lower = hn::BitCast(d, hn::InterleaveLower(df, sine_q, cosine_q));
  const VD q_upper = hn::BitCast(d, hn::InterleaveUpper(df, sine_q, cosine_q));
  n0 = hn::BitCast(df, hn::InterleaveLower(d, p_lower, q_lower));
  n1 = hn::BitCast(df, hn::InterleaveUpper(d, p_lower, q_lower));
  n2 = hn::BitCast(df, hn::InterleaveLower(d, p_upper, q_upper));
  n3 = hn::BitCast(df, hn::InterleaveUpper(d, p_upper, q_upper));
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
