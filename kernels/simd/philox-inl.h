// Philox blocks in 64-bit lanes, one block a lane, two vectors of blocks at a time.
//
//   PhiloxPair<V> words... : a, b, c, d hold w0..w3 in the low halves of their lanes.
//
// A 32x32 multiply reads the low half of a lane and fills all of it; the next round needs its upper
// half shifted down and its lower half as it is. So nothing is repacked between rounds: the upper
// halves hold leftovers that no multiply reads. Two vectors go side by side to fill the
// multiplier's latency, and out-of-order execution overlaps the next two.
//
// Per-target: included once for each instruction set by Highway's foreach_target.
#if defined(COUNTERPOINT_KERNELS_SIMD_PHILOX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_PHILOX_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_PHILOX_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_PHILOX_INL_H_
#endif

#include <hwy/highway.h>

#include "counterpoint/kernels/simd/philox_plan.h"

// The targets without vectors use the scalar reference instead.
#undef COUNTERPOINT_VECTORS
#define COUNTERPOINT_VECTORS (HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128)
// Whether classes may hold vectors: not SVE's, whose length the compiler does not know.
#undef COUNTERPOINT_VECTOR_MEMBERS
#define COUNTERPOINT_VECTOR_MEMBERS (COUNTERPOINT_VECTORS && !HWY_HAVE_SCALABLE)

#if COUNTERPOINT_VECTORS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D64 = hn::ScalableTag<std::uint64_t>;
using D32 = hn::ScalableTag<std::uint32_t>;
using V64 = hn::Vec<D64>;
using V32 = hn::Vec<D32>;

// The 64-bit products of the lanes' low halves.
HWY_INLINE V64 MulLow32(V64 a, V64 b) {
  const D32 d32;
  return hn::MulEven(hn::BitCast(d32, a), hn::BitCast(d32, b));
}

HWY_INLINE V64 Broadcast64(std::uint64_t x) { return hn::Set(D64(), x); }

HWY_INLINE void PhiloxRound(const PhiloxKeys& keys, int round, V64& a0, V64& b0, V64& c0, V64& d0,
                            V64& a1, V64& b1, V64& c1, V64& d1) {
  const V64 m0 = Broadcast64(kPhiloxMultiplier0);
  const V64 m1 = Broadcast64(kPhiloxMultiplier1);
  const V64 k0 = Broadcast64(keys.first[round]);
  const V64 k1 = Broadcast64(keys.second[round]);
  const V64 p0 = MulLow32(a0, m0);
  const V64 p1 = MulLow32(a1, m0);
  const V64 q0 = MulLow32(c0, m1);
  const V64 q1 = MulLow32(c1, m1);
  a0 = hn::Xor3(hn::ShiftRight<32>(q0), b0, k0);
  a1 = hn::Xor3(hn::ShiftRight<32>(q1), b1, k0);
  c0 = hn::Xor3(hn::ShiftRight<32>(p0), d0, k1);
  c1 = hn::Xor3(hn::ShiftRight<32>(p1), d1, k1);
  b0 = q0;
  b1 = q1;
  d0 = p0;
  d1 = p1;
}

// Rounds kFrom + 1 to 10 for two vectors of blocks.
template <int kFrom>
HWY_INLINE void PhiloxRounds(const PhiloxKeys& keys, V64& a0, V64& b0, V64& c0, V64& d0, V64& a1,
                             V64& b1, V64& c1, V64& d1) {
#pragma GCC unroll 10
  for (int round = kFrom; round < kPhiloxRounds; ++round) {
    PhiloxRound(keys, round, a0, b0, c0, d0, a1, b1, c1, d1);
  }
}

// Rounds 1 to 3 of a segment, for lanes whose low halves hold c0.
HWY_INLINE void PhiloxStart(const PhiloxKeys& keys, const PhiloxSegment& segment, V64 counter,
                            V64& a, V64& b, V64& c, V64& d) {
  const V64 m0 = Broadcast64(kPhiloxMultiplier0);
  const V64 m1 = Broadcast64(kPhiloxMultiplier1);
  const V64 p1 = MulLow32(counter, m0);
  const V64 c1 = hn::Xor(hn::ShiftRight<32>(p1), Broadcast64(segment.c_round1));
  const V64 q2 = MulLow32(c1, m1);
  const V64 a2 = hn::Xor(hn::ShiftRight<32>(q2), Broadcast64(segment.a_round2));
  const V64 c2 = hn::Xor(p1, Broadcast64(segment.c_round2));
  d = MulLow32(a2, m0);
  const V64 q3 = MulLow32(c2, m1);
  a = hn::Xor3(hn::ShiftRight<32>(q3), q2, Broadcast64(keys.first[2]));
  c = hn::Xor(hn::ShiftRight<32>(d), Broadcast64(segment.c_round3));
  b = q3;
}

// Blocks at c0 = the low halves of `counter0` and `counter1`, other counter words from `segment`.
HWY_INLINE void PhiloxBlocks(const PhiloxKeys& keys, const PhiloxSegment& segment, V64 counter0,
                             V64 counter1, V64& a0, V64& b0, V64& c0, V64& d0, V64& a1, V64& b1,
                             V64& c1, V64& d1) {
  PhiloxStart(keys, segment, counter0, a0, b0, c0, d0);
  PhiloxStart(keys, segment, counter1, a1, b1, c1, d1);
  PhiloxRounds<3>(keys, a0, b0, c0, d0, a1, b1, c1, d1);
}

// Rounds 1 and 2 for lanes that hold the counters' lower 64 bits.
HWY_INLINE void PhiloxStart(const PhiloxKeys& keys, const PhiloxHigh& high, V64 counter, V64& a,
                            V64& b, V64& c, V64& d) {
  const V64 m0 = Broadcast64(kPhiloxMultiplier0);
  const V64 m1 = Broadcast64(kPhiloxMultiplier1);
  const V64 p1 = MulLow32(counter, m0);
  const V64 a1 = hn::Xor(hn::ShiftRight<32>(counter), Broadcast64(high.a_round1));
  const V64 c1 = hn::Xor(hn::ShiftRight<32>(p1), Broadcast64(high.c_round1));
  d = MulLow32(a1, m0);
  b = MulLow32(c1, m1);
  a = hn::Xor(hn::ShiftRight<32>(b), Broadcast64(high.a_round2));
  c = hn::Xor3(hn::ShiftRight<32>(d), p1, Broadcast64(keys.second[1]));
}

HWY_INLINE void PhiloxBlocks(const PhiloxKeys& keys, const PhiloxHigh& high, V64 counter0,
                             V64 counter1, V64& a0, V64& b0, V64& c0, V64& d0, V64& a1, V64& b1,
                             V64& c1, V64& d1) {
  PhiloxStart(keys, high, counter0, a0, b0, c0, d0);
  PhiloxStart(keys, high, counter1, a1, b1, c1, d1);
  PhiloxRounds<2>(keys, a0, b0, c0, d0, a1, b1, c1, d1);
}

// Lanes whose low halves hold low words and whose upper halves hold the low words of `high`.
HWY_INLINE V64 JoinWords(V64 low, V64 high) {
  const D32 d32;
  return hn::BitCast(D64(),
                     hn::OddEven(hn::BitCast(d32, hn::ShiftLeft<32>(high)), hn::BitCast(d32, low)));
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
