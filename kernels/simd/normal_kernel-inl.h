// The block kernel of f32 normals.
//
//   FillBlocks(fill, keys, NormalF32<true>(fill));      // scaled
//   FillBlocks(fill, keys, NormalF32<false>(fill));
//
// Per-target, as philox-inl.h.
#if defined(COUNTERPOINT_KERNELS_SIMD_NORMAL_KERNEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_NORMAL_KERNEL_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_NORMAL_KERNEL_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_NORMAL_KERNEL_INL_H_
#endif

#include "counterpoint/kernels/simd/blocks-inl.h"
#include "counterpoint/kernels/simd/normal_f32-inl.h"
#include "counterpoint/kernels/simd/scale-inl.h"

#if COUNTERPOINT_VECTORS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

template <bool kScaled>
struct NormalF32 {
  using T = float;
  static constexpr int kPerBlock = 4;
  static constexpr bool kThreeTiles = false;

  explicit NormalF32(const Fill& fill)
      : scale(static_cast<float>(fill.scale)), offset(static_cast<float>(fill.offset)) {}

  V64 first_lanes() const {
    V64 first, second;
    NormalLanes(first, second);
    return first;
  }
  V64 second_lanes() const {
    V64 first, second;
    NormalLanes(first, second);
    return second;
  }

  template <bool kStream>
  HWY_INLINE void tile(const PhiloxKeys& keys, const PhiloxSegment& segment, V64 counter0,
                       V64 counter1, float* HWY_RESTRICT out) const {
    const DF d;
    const std::size_t n = hn::Lanes(d);
    V64 a0, b0, c0, d0, a1, b1, c1, d1;
    PhiloxBlocks(keys, segment, counter0, counter1, a0, b0, c0, d0, a1, b1, c1, d1);
    VF n0, n1, n2, n3;
    NormalsOfBlocks(a0, b0, c0, d0, a1, b1, c1, d1, n0, n1, n2, n3);
    StoreVector<kStream>(ScaleVector<kScaled>(d, n0, scale, offset), d, out);
    StoreVector<kStream>(ScaleVector<kScaled>(d, n1, scale, offset), d, out + n);
    StoreVector<kStream>(ScaleVector<kScaled>(d, n2, scale, offset), d, out + 2 * n);
    StoreVector<kStream>(ScaleVector<kScaled>(d, n3, scale, offset), d, out + 3 * n);
  }

  float scale;
  float offset;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
