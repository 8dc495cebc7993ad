// Integers, uniforms and truncated normals by ThreeFry: an element a word, or two.
#include "counterpoint/kernels/simd/threefry_fills.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "counterpoint/kernels/simd/threefry_words.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include "counterpoint/kernels/simd/dispatch-inl.h"
#include "counterpoint/kernels/simd/remainder-inl.h"
#include "counterpoint/kernels/simd/threefry_draws-inl.h"
#include "counterpoint/kernels/simd/threefry_values-inl.h"

HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {
namespace {

#if COUNTERPOINT_VECTORS

// What is done to a vector of words that stay where they are.
struct UniformBits32 {
  HWY_INLINE V32 operator()(V32 words) const {
    VF u = UnitUpperF32(words);
    if (fill.scaled) {
      u = FusedF32(u, BroadcastF32(static_cast<float>(fill.scale)),
                   BroadcastF32(static_cast<float>(fill.offset)));
    }
    return hn::BitCast(D32(), u);
  }
  const Fill& fill;
};

struct UniformBits64 {
  HWY_INLINE V32 operator()(V32 words) const {
    VD u = UnitUpperF64(hn::BitCast(D64(), words));
    if (fill.scaled) u = FusedF64(u, BroadcastF64(fill.scale), BroadcastF64(fill.offset));
    return hn::BitCast(D32(), u);
  }
  const Fill& fill;
};

// Elements of 64 bits are two words in order, whatever the shape; far ones are reached by the counter.
template <class Finish>
void FillWide(const Fill& fill, const Finish& finish) {
  const ThreefryFiller<Finish> filler(fill.key, fill.counter.low + fill.first_element, finish);
  filler.run(0, fill.count * 2, static_cast<std::uint32_t*>(fill.output));
}

void FillWide(const Fill& fill) {
  if (fill.distribution == Distribution::uniform) {
    FillWide(fill, UniformBits64{fill});
    return;
  }
  FillWide(fill, AsDrawn{});
  if (fill.distribution == Distribution::uniform_full_int) return;
  const Remainder64 remainder(fill.range, fill.low);
  std::uint64_t* out = static_cast<std::uint64_t*>(fill.output);
  for (std::uint64_t i = 0; i < fill.count; ++i) out[i] = remainder(out[i]);
}

template <class Finish>
void FillNarrow(const Fill& fill, const Finish& finish) {
  if (ThreefryPairs(fill).in_order()) {
    const std::uint64_t blocks = fill.first_element / 2;
    const ThreefryFiller<Finish> filler(fill.key, fill.counter.low + blocks, finish);
    filler.run(fill.first_element % 2, fill.count, static_cast<std::uint32_t*>(fill.output));
    return;
  }
  FillWordPairs<std::uint32_t>(
      fill, [&](V32 words, std::uint32_t* out) HWY_ATTR { hn::StoreU(finish(words), D32(), out); });
}

void FillUniformHalves(const Fill& fill) {
  if (fill.dtype == DType::f16) {
    const StoreScaled<Float16> store(fill);
    FillWordPairs<Float16>(
        fill, [&](V32 words, Float16* out) HWY_ATTR { store.rounded(UnitF16(words), out); });
  } else {
    const StoreScaled<BFloat16> store(fill);
    FillWordPairs<BFloat16>(
        fill, [&](V32 words, BFloat16* out) HWY_ATTR { store.cut(UnitUpperF32(words), out); });
  }
}

void FillTruncated(const Fill& fill) {
  const StoreScaled<float> store(fill);
  FillWordPairs<float>(fill, [&](V32 words, float* out) HWY_ATTR {
    store.rounded(XlaTruncatedF32(UnitUpperF32(words)), out);
  });
}

const char* FillThreefryWords(const Fill& fill) {
  if (dtype_size(fill.dtype) == 8) {
    FillWide(fill);
  } else if (dtype_size(fill.dtype) == 2) {
    FillUniformHalves(fill);
  } else if (fill.distribution == Distribution::truncated_normal) {
    FillTruncated(fill);
  } else if (fill.distribution == Distribution::uniform) {
    FillNarrow(fill, UniformBits32{fill});
  } else if (fill.distribution == Distribution::uniform_int) {
    FillNarrow(fill, Remainder32(low_word(fill.range), low_word(fill.low)));
  } else {
    FillNarrow(fill, AsDrawn{});
  }
  return hwy::TargetName(HWY_TARGET);
}

#else
const char* FillThreefryWords(const Fill& fill) { return FillThreefryWithoutVectors(fill); }
#endif

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

COUNTERPOINT_DISPATCH(fill_threefry_words, FillThreefryWords, const Fill&)
