// Normals of one tile of blocks anywhere below one upper counter half, stored in order: what
// truncated normals are made of, for f32 and f64 alike.
//
//   TruncatedBlocks<float>::lanes(first, second);      // which block of a tile each lane computes
//   TruncatedBlocks<float>::normals(keys, high, counter0, counter1, out);
//   notes += TruncatedBlocks<float>::note(out, group, list + notes);   // groups with |x| >= 2
//   TruncatedBlocks<float>::noted(list, group0, group1);  // a tile of them, where its lanes want
//   them
//
// Per-target, as philox-inl.h.
#if defined(COUNTERPOINT_KERNELS_SIMD_TRUNCATED_BLOCKS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_TRUNCATED_BLOCKS_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_TRUNCATED_BLOCKS_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_TRUNCATED_BLOCKS_INL_H_
#endif

#include <cstring>

#include "counterpoint/kernels/simd/normal_f32-inl.h"
#include "counterpoint/kernels/simd/normal_f64-inl.h"

#if COUNTERPOINT_VECTORS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

// Appends those of one vector's groups of kSize, `first` and on, that have a candidate of magnitude
// 2 or more; returns how many. Without branches, which random numbers would mispredict. May
// overwrite a vector's length of `list`.
template <std::uint64_t kSize, class T, class U>
HWY_INLINE std::size_t NoteGroups(const T* HWY_RESTRICT candidates, U first, U* HWY_RESTRICT list) {
  const hn::ScalableTag<T> d;
  const auto outside = hn::Ge(hn::Abs(hn::Load(d, candidates)), hn::Set(d, T{2}));
  std::uint8_t bytes[16] = {};
  hn::StoreMaskBits(d, outside, bytes);
  std::uint64_t bits;
  std::memcpy(&bits, bytes, sizeof bits);  // at most 64 lanes
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  if constexpr (kSize == 4) {  // of 64-bit lanes, Highway's Compress copies a table each time
    const D32 d32;
    const std::uint64_t pairs = bits | bits >> 1;
    const auto kept = decltype(hn::RebindMask(d32, outside)){
        static_cast<decltype(outside.raw)>((pairs | pairs >> 2) & 0x1111u)};
    const V32 group = hn::Add(hn::ShiftRight<2>(hn::Iota(d32, 0)), hn::Set(d32, first));
    hn::StoreU(hn::Compress(group, kept), d32, list);  // CompressStore is slow on some processors
    return hn::CountTrue(d32, kept);
  }
#endif
  std::size_t notes = 0;
  for (std::size_t i = 0; i < hn::Lanes(d) / kSize; ++i) {
    list[notes] = first + static_cast<U>(i);
    notes += (bits & ((1u << kSize) - 1)) != 0 ? 1 : 0;
    bits >>= kSize;
  }
  return notes;
}

template <class T>
struct TruncatedBlocks;

template <>
struct TruncatedBlocks<float> {
  static constexpr std::uint64_t kSize = 4;

  static HWY_INLINE void lanes(V64& first, V64& second) { NormalLanes(first, second); }

  static HWY_INLINE std::size_t note(const float* HWY_RESTRICT candidates, std::uint64_t first,
                                     std::uint32_t* HWY_RESTRICT list) {
    return NoteGroups<kSize>(candidates, static_cast<std::uint32_t>(first), list);
  }

  static HWY_INLINE void noted(const std::uint32_t* HWY_RESTRICT list, V64& group0, V64& group1) {
    const D32 d32;
    const D64 d64;
    const hn::Half<D32> half;
    const V32 lane = hn::Iota(d32, 0);
    const std::uint32_t quarter = static_cast<std::uint32_t>(hn::Lanes(d32) / 4);
    const V32 block = hn::Add(hn::ShiftRight<2>(lane),
                              hn::Mul(hn::And(lane, hn::Set(d32, 3)), hn::Set(d32, quarter)));
    const V32 groups = hn::TableLookupLanes(hn::LoadU(d32, list), hn::IndicesFromVec(d32, block));
    group0 = hn::PromoteTo(d64, hn::LowerHalf(half, groups));
    group1 = hn::PromoteTo(d64, hn::UpperHalf(half, groups));
  }

  static HWY_INLINE void normals(const PhiloxKeys& keys, const PhiloxHigh& high, V64 counter0,
                                 V64 counter1, float* HWY_RESTRICT out) {
    const DF d;
    const std::size_t n = hn::Lanes(d);
    V64 a0, b0, c0, d0, a1, b1, c1, d1;
    PhiloxBlocks(keys, high, counter0, counter1, a0, b0, c0, d0, a1, b1, c1, d1);
    VF n0, n1, n2, n3;
    NormalsOfBlocks(a0, b0, c0, d0, a1, b1, c1, d1, n0, n1, n2, n3);
    hn::Store(n0, d, out);
    hn::Store(n1, d, out + n);
    hn::Store(n2, d, out + 2 * n);
    hn::Store(n3, d, out + 3 * n);
  }
};

template <>
struct TruncatedBlocks<double> {
  static constexpr std::uint64_t kSize = 2;

  static HWY_INLINE void lanes(V64& first, V64& second) {
    first = PairedLanes();
    second = hn::Add(first, Broadcast64(hn::Lanes(D64())));
  }

  static HWY_INLINE std::size_t note(const double* HWY_RESTRICT candidates, std::uint64_t first,
                                     std::uint64_t* HWY_RESTRICT list) {
    return NoteGroups<kSize>(candidates, first, list);
  }

  static HWY_INLINE void noted(const std::uint64_t* HWY_RESTRICT list, V64& group0, V64& group1) {
    const D64 d64;
    const auto block = hn::IndicesFromVec(d64, PairedLanes());
    group0 = hn::TableLookupLanes(hn::LoadU(d64, list), block);
    group1 = hn::TableLookupLanes(hn::LoadU(d64, list + hn::Lanes(d64)), block);
  }

  static HWY_INLINE void normals(const PhiloxKeys& keys, const PhiloxHigh& high, V64 counter0,
                                 V64 counter1, double* HWY_RESTRICT out) {
    V64 a0, b0, c0, d0, a1, b1, c1, d1;
    PhiloxBlocks(keys, high, counter0, counter1, a0, b0, c0, d0, a1, b1, c1, d1);
    vector(a0, b0, c0, d0, out);
    vector(a1, b1, c1, d1, out + 2 * hn::Lanes(DD()));
  }

 private:
  static HWY_INLINE void vector(V64 a, V64 b, V64 c, V64 d, double* HWY_RESTRICT out) {
    const DD dd;
    VD sine, cosine;
    NormalsF64(UnitF64(a, b), UnitF64(c, d), sine, cosine);
    hn::Store(hn::InterleaveLower(dd, sine, cosine), dd, out);
    hn::Store(hn::InterleaveUpper(dd, sine, cosine), dd, out + hn::Lanes(dd));
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
