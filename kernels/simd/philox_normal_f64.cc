// Normal f64 by Philox.
#include "counterpoint/kernels/simd/philox_fills.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "counterpoint/kernels/simd/philox_normal_f64.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include "counterpoint/kernels/simd/dispatch-inl.h"
#include "counterpoint/kernels/simd/normal_f64-inl.h"
#include "counterpoint/kernels/simd/paired-inl.h"

HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {
namespace {

#if COUNTERPOINT_VECTORS

template <bool kScaled>
struct NormalF64 {
  using T = double;
  static constexpr int kPerBlock = 2;
  static constexpr bool kLight = false;

  explicit NormalF64(const Fill& fill) : scale(fill.scale), offset(fill.offset) {}

  template <bool kStream>
  HWY_INLINE void vector(V64 a, V64 b, V64 c, V64 d, double* HWY_RESTRICT out) const {
    const DD dd;
    VD sine, cosine;
    NormalsF64(UnitF64(a, b), UnitF64(c, d), sine, cosine);
    sine = ScaleVector<kScaled>(dd, sine, scale, offset);
    cosine = ScaleVector<kScaled>(dd, cosine, scale, offset);
    StoreVector<kStream>(hn::InterleaveLower(dd, sine, cosine), dd, out);
    StoreVector<kStream>(hn::InterleaveUpper(dd, sine, cosine), dd, out + hn::Lanes(dd));
  }

  double scale;
  double offset;
};

const char* FillNormalF64(const Fill& fill) {
  const PhiloxKeys keys(fill.key);
  if (fill.scaled) {
    FillBlocks(fill, keys, Paired<NormalF64<true>>{NormalF64<true>(fill)});
  } else {
    FillBlocks(fill, keys, Paired<NormalF64<false>>{NormalF64<false>(fill)});
  }
  return hwy::TargetName(HWY_TARGET);
}

#else
const char* FillNormalF64(const Fill& fill) { return FillWithoutVectors(fill); }
#endif

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

COUNTERPOINT_DISPATCH(fill_philox_normal_f64, FillNormalF64, const Fill&)
