// The block kernel of draws where a vector of blocks gives two vectors of output by itself.
//
//   struct Emit {
//     using T = float;
//     static constexpr int kPerBlock = 4;
//     static constexpr bool kLight = true;    // few operations: worth six vectors at once
//     template <bool kStream> void vector(V64 a, V64 b, V64 c, V64 d, T* out) const;
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

template <class Emit>
struct Paired {
  using T = typename Emit::T;
  static constexpr int kPerBlock = Emit::kPerBlock;
  static constexpr bool kThreeTiles = Emit::kLight;

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

  // Six vectors side by side: on a processor that starts four vector operations a cycle, the
  // operations of a round then take longer than one of them waits for the one before. Where there
  // are 16 registers only, what goes through memory costs less than the waiting did.
  template <bool kStream>
  HWY_INLINE void three_tiles(const PhiloxKeys& keys, const PhiloxSegment& segment, V64 counter0,
                              V64 counter1, T* HWY_RESTRICT out) const {
    const std::size_t n = kPerBlock * hn::Lanes(D64());
    const V64 step = Broadcast64(TileBlocks());
    const V64 counter2 = hn::Add(counter0, step);
    const V64 counter3 = hn::Add(counter1, step);
    V64 a0, b0, c0, d0, a1, b1, c1, d1, a2, b2, c2, d2;
    V64 a3, b3, c3, d3, a4, b4, c4, d4, a5, b5, c5, d5;
    PhiloxStart(keys, segment, counter0, a0, b0, c0, d0);
    PhiloxStart(keys, segment, counter1, a1, b1, c1, d1);
    PhiloxStart(keys, segment, counter2, a2, b2, c2, d2);
    PhiloxStart(keys, segment, counter3, a3, b3, c3, d3);
    PhiloxStart(keys, segment, hn::Add(counter2, step), a4, b4, c4, d4);
    PhiloxStart(keys, segment, hn::Add(counter3, step), a5, b5, c5, d5);
#pragma GCC unroll 10
    for (int round = 3; round < kPhiloxRounds; ++round) {
      PhiloxRound(keys, round, a0, b0, c0, d0, a1, b1, c1, d1);
      PhiloxRound(keys, round, a2, b2, c2, d2, a3, b3, c3, d3);
      PhiloxRound(keys, round, a4, b4, c4, d4, a5, b5, c5, d5);
    }
    emit.template vector<kStream>(a0, b0, c0, d0, out);
    emit.template vector<kStream>(a1, b1, c1, d1, out + n);
    emit.template vector<kStream>(a2, b2, c2, d2, out + 2 * n);
    emit.template vector<kStream>(a3, b3, c3, d3, out + 3 * n);
    emit.template vector<kStream>(a4, b4, c4, d4, out + 4 * n);
    emit.template vector<kStream>(a5, b5, c5, d5, out + 5 * n);
  }

  Emit emit;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
