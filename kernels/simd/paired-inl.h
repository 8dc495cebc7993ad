// The block kernel of draws where a vector of blocks gives two vectors of output by itself.
//
//   struct Emit {
//     using T = float;
//     static constexpr int kPerBlock = 4;
//     static constexpr bool kLight = true;    // few registers: worth computing four vectors at
//     once template <bool kStream> void vector(V64 a, V64 b, V64 c, V64 d, T* out) const;
//   };
//   FillBlocks(fill, keys, Paired<Emit>{emit});
//
// Per-target, as philox-inl.h.
#if defined(COUNTERPOINT_KERNELS_SIMD_PAIRED_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_PAIRED_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_PAIRED_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_PAIRED_INL_H_
#endif

#include "counterpoint/kernels/simd/blocks-inl.h"

#if COUNTERPOINT_VECTORS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

// SSE4 and AVX2 have 16 vector registers, the others 32.
inline constexpr bool kManyRegisters = HWY_TARGET != HWY_SSE4 && HWY_TARGET != HWY_AVX2;

template <class Emit>
struct Paired {
  using T = typename Emit::T;
  static constexpr int kPerBlock = Emit::kPerBlock;
  static constexpr bool kTwoTiles = Emit::kLight && kManyRegisters;

  V64 first_lanes() const { return PairedLanes(); }
  V64 second_lanes() const { return hn::Add(PairedLanes(), Broadcast64(hn::Lanes(D64()))); }

  template <bool kStream>
  HWY_INLINE void tile(const PhiloxKeys& keys, const PhiloxSegment& segment, V64 counter0,
                       V64 counter1, T* HWY_RESTRICT out) const {
    const std::size_t n = kPerBlock * hn::Lanes(D64());
    V64 a0, b0, c0, d0, a1, b1, c1, d1;
    PhiloxBlocks(keys, segment, counter0, counter1, a0, b0, c0, d0, a1, b1, c1, d1);
    emit.template vector<kStream>(a0, b0, c0, d0, out);
    emit.template vector<kStream>(a1, b1, c1, d1, out + n);
  }

  template <bool kStream>
  HWY_INLINE void two_tiles(const PhiloxKeys& keys, const PhiloxSegment& segment, V64 counter0,
                            V64 counter1, V64 counter2, V64 counter3, T* HWY_RESTRICT out) const {
    const std::size_t n = kPerBlock * hn::Lanes(D64());
    V64 a0, b0, c0, d0, a1, b1, c1, d1, a2, b2, c2, d2, a3, b3, c3, d3;
    PhiloxBlocks(keys, segment, counter0, counter1, counter2, counter3, a0, b0, c0, d0, a1, b1, c1,
                 d1, a2, b2, c2, d2, a3, b3, c3, d3);
    emit.template vector<kStream>(a0, b0, c0, d0, out);
    emit.template vector<kStream>(a1, b1, c1, d1, out + n);
    emit.template vector<kStream>(a2, b2, c2, d2, out + 2 * n);
    emit.template vector<kStream>(a3, b3, c3, d3, out + 3 * n);
  }

  Emit emit;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
