// Normals of one tile of blocks anywhere below one upper counter half, stored in order: what
// truncated normals are made of, for f32 and f64 alike.
//
//   TruncatedBlocks<float>::lanes(first, second);      // which block of a tile each lane computes
//   TruncatedBlocks<float>::normals(keys, high, counter0, counter1, out);
//   TruncatedBlocks<float>::lane_of(block);            // the reverse of lanes
//
// Per-target, as philox-inl.h.
#if defined(COUNTERPOINT_KERNELS_SIMD_TRUNCATED_BLOCKS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_TRUNCATED_BLOCKS_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_TRUNCATED_BLOCKS_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_TRUNCATED_BLOCKS_INL_H_
#endif

#include "counterpoint/kernels/simd/normal_f32-inl.h"
#include "counterpoint/kernels/simd/normal_f64-inl.h"

#if COUNTERPOINT_VECTORS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

template <class T>
struct TruncatedBlocks;

template <>
struct TruncatedBlocks<float> {
  static constexpr std::uint64_t kSize = 4;

  static HWY_INLINE void lanes(V64& first, V64& second) { NormalLanes(first, second); }

  static std::uint64_t lane_of(std::uint64_t block) {
    const std::uint64_t quarter = hn::Lanes(D64()) / 2;
    return 4 * (block % quarter) + block / quarter;
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

  static std::uint64_t lane_of(std::uint64_t block) {
    const std::uint64_t n = hn::Lanes(D64());
    const std::uint64_t in_vector = block % n;
    return block - in_vector + 2 * (in_vector % (n / 2)) + in_vector / (n / 2);
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
