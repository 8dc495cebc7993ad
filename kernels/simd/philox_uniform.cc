// Uniform f32 and f64 by Philox.
#include "counterpoint/kernels/simd/philox_fills.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "counterpoint/kernels/simd/philox_uniform.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include "counterpoint/kernels/simd/blocks-inl.h"
#include "counterpoint/kernels/simd/scale-inl.h"

HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {
namespace {

#if COUNTERPOINT_VECTORS

template <bool kScaled>
struct UniformF32 {
  using T = float;
  static constexpr int kPerBlock = 4;
  using D = hn::ScalableTag<float>;

  explicit UniformF32(const Fill& fill)
      : scale(static_cast<float>(fill.scale)), offset(static_cast<float>(fill.offset)) {}

  V64 first_lanes() const { return PairedLanes(); }
  V64 second_lanes() const { return hn::Add(PairedLanes(), Broadcast64(hn::Lanes(D64()))); }

  HWY_INLINE hn::Vec<D> unit(V64 words) const {
    const D d;
    const D32 d32;
    const V32 mantissa = hn::And(hn::BitCast(d32, words), hn::Set(d32, 0x7fffffu));
    const V32 bits = hn::Or(mantissa, hn::Set(d32, 0x3f800000u));
    return ScaleVector<kScaled>(d, hn::Sub(hn::BitCast(d, bits), hn::Set(d, 1.0f)), scale, offset);
  }

  template <bool kStream>
  HWY_INLINE void tile(const PhiloxKeys& keys, const PhiloxSegment& segment, V64 counter0,
                       V64 counter1, float* HWY_RESTRICT out) const {
    const D d;
    const D64 d64;
    const std::size_t n = hn::Lanes(d);
    V64 a0, b0, c0, d0, a1, b1, c1, d1;
    PhiloxBlocks(keys, segment, counter0, counter1, a0, b0, c0, d0, a1, b1, c1, d1);
    const V64 x0 = JoinWords(a0, b0);
    const V64 y0 = JoinWords(c0, d0);
    const V64 x1 = JoinWords(a1, b1);
    const V64 y1 = JoinWords(c1, d1);
    StoreVector<kStream>(unit(hn::InterleaveLower(d64, x0, y0)), d, out);
    StoreVector<kStream>(unit(hn::InterleaveUpper(d64, x0, y0)), d, out + n);
    StoreVector<kStream>(unit(hn::InterleaveLower(d64, x1, y1)), d, out + 2 * n);
    StoreVector<kStream>(unit(hn::InterleaveUpper(d64, x1, y1)), d, out + 3 * n);
  }

  float scale;
  float offset;
};

template <bool kScaled>
struct UniformF64 {
  using T = double;
  static constexpr int kPerBlock = 2;
  using D = hn::ScalableTag<double>;

  explicit UniformF64(const Fill& fill) : scale(fill.scale), offset(fill.offset) {}

  V64 first_lanes() const { return PairedLanes(); }
  V64 second_lanes() const { return hn::Add(PairedLanes(), Broadcast64(hn::Lanes(D64()))); }

  template <bool kStream>
  HWY_INLINE void tile(const PhiloxKeys& keys, const PhiloxSegment& segment, V64 counter0,
                       V64 counter1, double* HWY_RESTRICT out) const {
    const D d;
    const std::size_t n = hn::Lanes(d);
    V64 a0, b0, c0, d0, a1, b1, c1, d1;
    PhiloxBlocks(keys, segment, counter0, counter1, a0, b0, c0, d0, a1, b1, c1, d1);
    const auto x0 = ScaleVector<kScaled>(d, UnitF64(a0, b0), scale, offset);
    const auto y0 = ScaleVector<kScaled>(d, UnitF64(c0, d0), scale, offset);
    const auto x1 = ScaleVector<kScaled>(d, UnitF64(a1, b1), scale, offset);
    const auto y1 = ScaleVector<kScaled>(d, UnitF64(c1, d1), scale, offset);
    StoreVector<kStream>(hn::InterleaveLower(d, x0, y0), d, out);
    StoreVector<kStream>(hn::InterleaveUpper(d, x0, y0), d, out + n);
    StoreVector<kStream>(hn::InterleaveLower(d, x1, y1), d, out + 2 * n);
    StoreVector<kStream>(hn::InterleaveUpper(d, x1, y1), d, out + 3 * n);
  }

  double scale;
  double offset;
};

const char* FillUniform(const Fill& fill) {
  const PhiloxKeys keys(fill.key);
  if (fill.dtype == DType::f32) {
    if (fill.scaled) {
      FillBlocks(fill, keys, UniformF32<true>(fill));
    } else {
      FillBlocks(fill, keys, UniformF32<false>(fill));
    }
  } else if (fill.scaled) {
    FillBlocks(fill, keys, UniformF64<true>(fill));
  } else {
    FillBlocks(fill, keys, UniformF64<false>(fill));
  }
  return hwy::TargetName(HWY_TARGET);
}

#else
const char* FillUniform(const Fill& fill) { return FillWithoutVectors(fill); }
#endif

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace counterpoint::inline v1::kernels {

HWY_EXPORT(FillUniform);

const char* fill_philox_uniform(const Fill& fill) {
  return HWY_DYNAMIC_DISPATCH(FillUniform)(fill);
}

}  // namespace counterpoint::inline v1::kernels
#endif
