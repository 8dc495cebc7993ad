// Truncated normal f32 and f64 by Philox.
#include "counterpoint/kernels/simd/philox_fills.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "counterpoint/kernels/simd/philox_truncated.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include "counterpoint/kernels/simd/dispatch-inl.h"
#include "counterpoint/kernels/simd/finish-inl.h"
#include "counterpoint/kernels/simd/truncated-inl.h"

HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {
namespace {

#if COUNTERPOINT_VECTORS

template <class T>
void FillTruncatedAs(const Fill& fill) {
  const PhiloxKeys keys(fill.key);
  T* out = static_cast<T*>(fill.output);
  // Pieces are a multiple of any vector, so alignment lasts; the first piece may be a little
  // shorter.
  const std::uint64_t vector_bytes = hn::Lanes(hn::ScalableTag<T>()) * sizeof(T);
  const bool stream = streams(fill) && fill.first_element % TruncatedBlocks<T>::kSize == 0 &&
                      reinterpret_cast<std::uintptr_t>(out) % vector_bytes == 0;
  ForTruncatedPieces<T>(fill, keys, [&](const T* buffer, std::uint64_t count) HWY_ATTR {
    FinishFloats(buffer, count, fill, stream, out);
    out += count;
  });
  if (stream) hwy::FlushStream();
}

const char* FillTruncated(const Fill& fill) {
  if (fill.dtype == DType::f64) {
    FillTruncatedAs<double>(fill);
  } else {
    FillTruncatedAs<float>(fill);
  }
  return hwy::TargetName(HWY_TARGET);
}

#else
const char* FillTruncated(const Fill& fill) { return FillWithoutVectors(fill); }
#endif

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

COUNTERPOINT_DISPATCH(fill_philox_truncated, FillTruncated, const Fill&)
