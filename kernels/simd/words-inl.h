// The block kernel of 32-bit words in order, with something done to each vector of them.
//
//   FillBlocks(fill, keys, Words<KeepWords>{});
//   FillBlocks(fill, keys, Words<Remainder32>{remainder});
//
// Per-target, as philox-inl.h.
#if defined(COUNTERPOINT_KERNELS_SIMD_WORDS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_WORDS_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_WORDS_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_WORDS_INL_H_
#endif

#include "counterpoint/kernels/simd/blocks-inl.h"

#if COUNTERPOINT_VECTORS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

// What happens to each vector of words.
struct KeepWords {
  HWY_INLINE V32 operator()(V32 words) const { return words; }
};

template <class Finish>
struct Words {
  using T = std::uint32_t;
  static constexpr int kPerBlock = 4;
  static constexpr Distribution kDistribution = Distribution::uniform_full_int;

  V64 first_lanes() const { return PairedLanes(); }
  V64 second_lanes() const { return hn::Add(PairedLanes(), Broadcast64(hn::Lanes(D64()))); }

  HWY_INLINE V32 lower(V64 x, V64 y) const {
    return finish(hn::BitCast(D32(), hn::InterleaveLower(D64(), x, y)));
  }
  HWY_INLINE V32 upper(V64 x, V64 y) const {
    return finish(hn::BitCast(D32(), hn::InterleaveUpper(D64(), x, y)));
  }

  template <bool kStream>
  HWY_INLINE void tile(const PhiloxKeys& keys, const PhiloxSegment& segment, V64 counter0,
                       V64 counter1, std::uint32_t* HWY_RESTRICT out) const {
    const D32 d;
    const std::size_t n = hn::Lanes(d);
    V64 a0, b0, c0, d0, a1, b1, c1, d1;
    PhiloxBlocks(keys, segment, counter0, counter1, a0, b0, c0, d0, a1, b1, c1, d1);
    const V64 x0 = JoinWords(a0, b0);
    const V64 y0 = JoinWords(c0, d0);
    const V64 x1 = JoinWords(a1, b1);
    const V64 y1 = JoinWords(c1, d1);
    StoreVector<kStream>(lower(x0, y0), d, out);
    StoreVector<kStream>(upper(x0, y0), d, out + n);
    StoreVector<kStream>(lower(x1, y1), d, out + 2 * n);
    StoreVector<kStream>(upper(x1, y1), d, out + 3 * n);
  }

  Finish finish;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
