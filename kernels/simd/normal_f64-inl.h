// Box-Muller in f64: one block a lane gives a sine part and a cosine part.
//
//   VD sine, cosine;
//   NormalsF64(UnitF64(a, b), UnitF64(c, d), sine, cosine);
//
// Per-target, as philox-inl.h.
#if defined(COUNTERPOINT_KERNELS_SIMD_NORMAL_F64_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_NORMAL_F64_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_NORMAL_F64_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_NORMAL_F64_INL_H_
#endif

#include "counterpoint/kernels/simd/math_f64-inl.h"
#include "counterpoint/kernels/simd/scale-inl.h"

#if COUNTERPOINT_VECTORS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

HWY_INLINE void NormalsF64(VD u, VD v, VD& sine_part, VD& cosine_part) {
  BoxMullerF64(hn::Max(u, BroadcastF64(1.0e-7)), hn::Mul(BroadcastF64(math::kTwoPi), v), sine_part,
               cosine_part);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
