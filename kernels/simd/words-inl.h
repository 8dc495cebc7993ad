// The block kernel of 32-bit words in order, with something done to each vector of them.
//
//   FillBlocks(fill, keys, Words(KeepWords{}));
//   FillBlocks(fill, keys, Words(remainder));
//
// Per-target, as philox-inl.h.
#if defined(COUNTERPOINT_KERNELS_SIMD_WORDS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_WORDS_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_WORDS_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_WORDS_INL_H_
#endif

#include "counterpoint/kernels/simd/paired-inl.h"

#if COUNTERPOINT_VECTORS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

// What happens to each vector of words.
struct KeepWords {
  HWY_INLINE V32 operator()(V32 words) const { return words; }
};

template <class Finish>
struct EmitWords {
  using T = std::uint32_t;
  static constexpr int kPerBlock = 4;
  static constexpr bool kLight = true;

  template <bool kStream>
  HWY_INLINE void vector(V64 a, V64 b, V64 c, V64 d, std::uint32_t* HWY_RESTRICT out) const {
    const D32 d32;
    const D64 d64;
    const V64 x = JoinWords(a, b);
    const V64 y = JoinWords(c, d);
    const V32 lower = hn::BitCast(d32, hn::InterleaveLower(d64, x, y));
    const V32 upper = hn::BitCast(d32, hn::InterleaveUpper(d64, x, y));
    StoreVector<kStream>(finish(lower), d32, out);
    StoreVector<kStream>(finish(upper), d32, out + hn::Lanes(d32));
  }

  Finish finish;
};

template <class Finish>
Paired<EmitWords<Finish>> Words(Finish finish) {
  return {{finish}};
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
