// The Philox blocks of a chunk's outputs, four vectors side by side: what fills the multiplier's
// latency where a loop does nothing else.
//
//   const FourBlocks blocks(chunk);
//   blocks(at0, at1, at2, at3, [&](std::uint64_t vector, V64 a, V64 b, V64 c, V64 d) HWY_ATTR { ... });
//
// Per-target, as philox-inl.h.
#if defined(COUNTERPOINT_KERNELS_SIMD_FOUR_BLOCKS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_FOUR_BLOCKS_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_FOUR_BLOCKS_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_FOUR_BLOCKS_INL_H_
#endif

#include "counterpoint/kernels/simd/rounds-inl.h"

#if COUNTERPOINT_VECTOR_MEMBERS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

// Counters are read to the end of the last four vectors.
static_assert(kChunkPadded - kChunkSize >= 4 * hn::MaxLanes(DD()));

// The blocks at four vectors of counters, side by side.
class FourBlocks {
 public:
  explicit HWY_INLINE FourBlocks(const SamplerChunk& chunk)
      : keys_(chunk.key), high_(keys_, chunk.counter_high) {}

  // use(vector, a, b, c, d) for vectors 0 to 3, which are at these counters.
  template <class Use>
  HWY_INLINE void operator()(V64 at0, V64 at1, V64 at2, V64 at3, const Use& use) const {
    V64 a0, b0, c0, d0, a1, b1, c1, d1, a2, b2, c2, d2, a3, b3, c3, d3;
    PhiloxStart(keys_, high_, at0, a0, b0, c0, d0);
    PhiloxStart(keys_, high_, at1, a1, b1, c1, d1);
    PhiloxStart(keys_, high_, at2, a2, b2, c2, d2);
    PhiloxStart(keys_, high_, at3, a3, b3, c3, d3);
#pragma GCC unroll 10
    for (int round = 2; round < kPhiloxRounds; ++round) {
      PhiloxRound(keys_, round, a0, b0, c0, d0, a1, b1, c1, d1);
      PhiloxRound(keys_, round, a2, b2, c2, d2, a3, b3, c3, d3);
    }
    use(0, a0, b0, c0, d0);
    use(1, a1, b1, c1, d1);
    use(2, a2, b2, c2, d2);
    use(3, a3, b3, c3, d3);
  }

 private:
  PhiloxKeys keys_;
  PhiloxHigh high_;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
