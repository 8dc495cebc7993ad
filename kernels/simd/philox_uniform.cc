// Uniform f32 and f64 by Philox.
#include "counterpoint/kernels/simd/philox_fills.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "counterpoint/kernels/simd/philox_uniform.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include "counterpoint/kernels/simd/dispatch-inl.h"
#include "counterpoint/kernels/simd/paired-inl.h"
#include "counterpoint/kernels/simd/scale-inl.h"

HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {
namespace {

#if COUNTERPOINT_VECTORS

template <bool kScaled>
struct UniformF32 {
  using T = float;
  static constexpr int kPerBlock = 4;
  static constexpr bool kLight = true;
  using D = hn::ScalableTag<float>;

  explicit UniformF32(const Fill& fill)
      : scale(static_cast<float>(fill.scale)), offset(static_cast<float>(fill.offset)) {}

  HWY_INLINE hn::Vec<D> unit(V64 words) const {
    const D d;
    const D32 d32;
    const V32 mantissa = hn::And(hn::BitCast(d32, words), hn::Set(d32, 0x7fffffu));
    const V32 bits = hn::Or(mantissa, hn::Set(d32, 0x3f800000u));
    return ScaleVector<kScaled>(d, hn::Sub(hn::BitCast(d, bits), hn::Set(d, 1.0f)), scale, offset);
  }

  template <bool kStream>
  HWY_INLINE void vector(V64 a, V64 b, V64 c, V64 d, float* HWY_RESTRICT out) const {
    const D df;
    const V64 x = JoinWords(a, b);
    const V64 y = JoinWords(c, d);
    StoreVector<kStream>(unit(hn::InterleaveLower(D64(), x, y)), df, out);
    StoreVector<kStream>(unit(hn::InterleaveUpper(D64(), x, y)), df, out + hn::Lanes(df));
  }

  float scale;
  float offset;
};

template <bool kScaled>
struct UniformF64 {
  using T = double;
  static constexpr int kPerBlock = 2;
  static constexpr bool kLight = true;

  explicit UniformF64(const Fill& fill) : scale(fill.scale), offset(fill.offset) {}

  template <bool kStream>
  HWY_INLINE void vector(V64 a, V64 b, V64 c, V64 d, double* HWY_RESTRICT out) const {
    const hn::ScalableTag<double> dd;
    const auto x = ScaleVector<kScaled>(dd, UnitF64(a, b), scale, offset);
    const auto y = ScaleVector<kScaled>(dd, UnitF64(c, d), scale, offset);
    StoreVector<kStream>(hn::InterleaveLower(dd, x, y), dd, out);
    StoreVector<kStream>(hn::InterleaveUpper(dd, x, y), dd, out + hn::Lanes(dd));
  }

  double scale;
  double offset;
};

template <template <bool> class Emit>
void FillWith(const Fill& fill) {
  const PhiloxKeys keys(fill.key);
  if (fill.scaled) {
    FillBlocks(fill, keys, Paired<Emit<true>>{Emit<true>(fill)});
  } else {
    FillBlocks(fill, keys, Paired<Emit<false>>{Emit<false>(fill)});
  }
}

const char* FillUniform(const Fill& fill) {
  if (fill.dtype == DType::f32) {
    FillWith<UniformF32>(fill);
  } else {
    FillWith<UniformF64>(fill);
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

COUNTERPOINT_DISPATCH(fill_philox_uniform, FillUniform, const Fill&)
