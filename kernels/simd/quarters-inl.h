// The last step of sines and cosines in f64: from those of an angle below an eighth of a turn to those
// of the angle n quarters on.
//
//   PutQuarter(n, s, c, sine, cosine);
//
// Per-target, as philox-inl.h.
#if defined(COUNTERPOINT_KERNELS_SIMD_QUARTERS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_QUARTERS_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_QUARTERS_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_QUARTERS_INL_H_
#endif

#include "counterpoint/kernels/simd/philox-inl.h"

#if COUNTERPOINT_VECTORS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

using DD = hn::ScalableTag<double>;
using VD = hn::Vec<DD>;
using MD = hn::Mask<DD>;

// Only the lowest two bits of n count. sin is s, c, -s, -c; cos is c, -s, -c, s.
HWY_INLINE void PutQuarter(V64 n, VD s, VD c, VD& sine, VD& cosine) {
  const DD d;
  const D64 d64;
  const V64 odd_bit = hn::ShiftLeft<63>(n);
  const VD odd = hn::BitCast(d, odd_bit);
  const V64 sign = Broadcast64(std::uint64_t{1} << 63);
  const V64 n_up = hn::ShiftLeft<62>(n);
  const V64 sine_sign = hn::And(n_up, sign);
  const V64 cosine_sign = hn::And(hn::Xor(n_up, odd_bit), sign);
  sine = hn::BitCast(d, hn::Xor(hn::BitCast(d64, hn::IfNegativeThenElse(odd, c, s)), sine_sign));
  cosine =
      hn::BitCast(d, hn::Xor(hn::BitCast(d64, hn::IfNegativeThenElse(odd, s, c)), cosine_sign));
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
