// Normal f32 by Philox: TensorFlow's, to the bit.
#include "counterpoint/kernels/simd/philox_fills.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "counterpoint/kernels/simd/philox_normal.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include "counterpoint/kernels/simd/dispatch-inl.h"
#include "counterpoint/kernels/simd/normal_kernel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {
namespace {

#if COUNTERPOINT_VECTORS

const char* FillNormal(const Fill& fill) {
  const PhiloxKeys keys(fill.key);
  if (fill.scaled) {
    FillBlocks(fill, keys, NormalF32<true>(fill));
  } else {
    FillBlocks(fill, keys, NormalF32<false>(fill));
  }
  return hwy::TargetName(HWY_TARGET);
}

#else
const char* FillNormal(const Fill& fill) { return FillWithoutVectors(fill); }
#endif

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

COUNTERPOINT_DISPATCH(fill_philox_normal, FillNormal, const Fill&)
