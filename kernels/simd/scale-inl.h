// Unit uniforms of f64, and scaling in the output type, in vectors.
//
//   hn::Vec<D> u = UnitF64(w0, w1);                    // low halves of the lanes are the words
//   hn::Vec<D> y = ScaleVector<true>(d, z, 2.0, 0.5);  // z * 2, rounded, + 0.5, rounded
//
// Per-target, as philox-inl.h.
#if defined(COUNTERPOINT_KERNELS_SIMD_SCALE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_SCALE_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_SCALE_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_SCALE_INL_H_
#endif

#include "counterpoint/kernels/simd/philox-inl.h"

#if COUNTERPOINT_VECTORS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

// (bits 0-19 of high) << 32 | low, as the mantissa of a double in [1, 2), less one.
HWY_INLINE hn::Vec<hn::ScalableTag<double>> UnitF64(V64 high, V64 low) {
  const hn::ScalableTag<double> d;
  const V64 mantissa = hn::And(JoinWords(low, high), Broadcast64(0x000fffffffffffffu));
  const V64 bits = hn::Or(mantissa, Broadcast64(0x3ff0000000000000u));
  return hn::Sub(hn::BitCast(d, bits), hn::Set(d, 1.0));
}

template <bool kScaled, class D, class V, class T>
HWY_INLINE V ScaleVector(D d, V x, T scale, T offset) {
  if constexpr (kScaled) {
    return hn::Add(hn::Mul(x, hn::Set(d, scale)), hn::Set(d, offset));
  } else {
    return x;
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
