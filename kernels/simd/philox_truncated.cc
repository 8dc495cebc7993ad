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

// Elements before the first that begins a vector in memory.
template <class T>
std::uint64_t HeadToAlign(const Fill& fill) {
  const std::uint64_t vector_bytes = hn::Lanes(hn::ScalableTag<T>()) * sizeof(T);
  const auto address = reinterpret_cast<std::uintptr_t>(fill.output);
  return (vector_bytes - address % vector_bytes) % vector_bytes / sizeof(T);
}

template <class T>
void FillTruncatedAs(const Fill& fill) {
  const PhiloxKeys keys(fill.key);
  // Pieces of whole groups are a multiple of any vector, so alignment lasts.
  const std::uint64_t head = HeadToAlign<T>(fill);
  const bool stream = streams(fill) && head < fill.count &&
                      (fill.first_element + head) % TruncatedBlocks<T>::kSize == 0;
  Fill rest = fill;
  if (stream && head > 0) {
    Fill first = fill;
    first.count = head;
    fill_philox_scalar(first);
    rest.first_element += head;
    rest.count -= head;
    rest.output = static_cast<T*>(fill.output) + head;
  }
  T* out = static_cast<T*>(rest.output);
  ForTruncatedPieces<T>(rest, keys, [&](const T* buffer, std::uint64_t count) HWY_ATTR {
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
