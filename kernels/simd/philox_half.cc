// f16 and bf16 by Philox: drawn in f32 by pieces, then rounded.
#include "counterpoint/kernels/simd/philox_fills.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "counterpoint/kernels/simd/philox_half.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include "counterpoint/kernels/simd/dispatch-inl.h"
#include "counterpoint/kernels/simd/finish-inl.h"
#include "counterpoint/kernels/simd/normal_kernel-inl.h"
#include "counterpoint/kernels/simd/truncated-inl.h"
#include "counterpoint/kernels/simd/words-inl.h"

HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {
namespace {

#if COUNTERPOINT_VECTORS

// Draws the fill through `kernel` by pieces, and rounds.
template <class T, class Kernel, class Convert>
void FillPieces(const Fill& fill, Distribution distribution, const Kernel& kernel,
                const Convert& convert) {
  using Input = typename Convert::Input;
  const PhiloxKeys keys(fill.key);
  T* out = static_cast<T*>(fill.output);
  alignas(64) Input buffer[kPieceElements];
  for (std::uint64_t done = 0; done < fill.count;) {
    Fill part = fill;
    part.dtype = dtype_of<Input>;
    part.distribution = distribution;
    part.scaled = false;
    part.total_count = 0;
    part.first_element = fill.first_element + done;
    part.count = std::min(fill.count - done, kPieceElements - part.first_element % 4);
    part.output = buffer;
    FillBlocks(part, keys, kernel);
    ZeroTail(buffer, part.count);
    FinishHalves<T>(buffer, part.count, fill, convert, out + done);
    done += part.count;
  }
}

template <class T>
void FillHalfAs(const Fill& fill) {
  constexpr int kUniformBits = std::is_same_v<T, Float16> ? 10 : 7;
  switch (fill.distribution) {
    case Distribution::uniform:
      return FillPieces<T>(fill, Distribution::uniform_full_int, Words(KeepWords{}),
                           UnitFloats<kUniformBits>{});
    case Distribution::normal:
      return FillPieces<T>(fill, Distribution::normal, NormalF32<false>(fill), FloatsAsTheyAre{});
    default: {
      const PhiloxKeys keys(fill.key);
      T* out = static_cast<T*>(fill.output);
      ForTruncatedPieces<float>(fill, keys, [&](const float* buffer, std::uint64_t count) HWY_ATTR {
        FinishHalves(buffer, count, fill, FloatsAsTheyAre{}, out);
        out += count;
      });
    }
  }
}

const char* FillHalf(const Fill& fill) {
  if (fill.dtype == DType::f16) {
    FillHalfAs<Float16>(fill);
  } else {
    FillHalfAs<BFloat16>(fill);
  }
  return hwy::TargetName(HWY_TARGET);
}

#else
const char* FillHalf(const Fill& fill) { return FillWithoutVectors(fill); }
#endif

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

COUNTERPOINT_DISPATCH(fill_philox_half, FillHalf, const Fill&)
