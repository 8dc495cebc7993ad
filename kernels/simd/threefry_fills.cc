#include "counterpoint/kernels/simd/threefry_fills.h"

#include "counterpoint/kernels/internal/math_xla.h"
#include "counterpoint/kernels/internal/threefry_scalar.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "counterpoint/kernels/simd/threefry_fills.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include "counterpoint/kernels/simd/remainder-inl.h"
#include "counterpoint/kernels/simd/threefry-inl.h"

HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {
namespace {

#if COUNTERPOINT_VECTORS

struct AsDrawn {
  HWY_INLINE V32 operator()(V32 words) const { return words; }
};

// x * scale + offset in one rounding. SSE4 has no fused operation; FillThreefry leaves it to scalar code.
template <class D, class V>
HWY_INLINE V Fused(D d, V x, const Fill& fill) {
  using T = hn::TFromD<D>;
  if (!fill.scaled) return x;
  return hn::MulAdd(x, hn::Set(d, static_cast<T>(fill.scale)),
                    hn::Set(d, static_cast<T>(fill.offset)));
}

// XLA takes the upper bits of a word, or of two.
struct UniformBits32 {
  HWY_INLINE V32 operator()(V32 words) const {
    const D32 d;
    const hn::ScalableTag<float> df;
    const V32 bits = hn::Or(hn::ShiftRight<9>(words), hn::Set(d, 0x3f800000u));
    return hn::BitCast(d, Fused(df, hn::Sub(hn::BitCast(df, bits), hn::Set(df, 1.0f)), fill));
  }
  const Fill& fill;
};

struct UniformBits64 {
  HWY_INLINE V32 operator()(V32 words) const {
    const D64 d;
    const hn::ScalableTag<double> dd;
    const V64 bits =
        hn::Or(hn::ShiftRight<12>(hn::BitCast(d, words)), Broadcast64(0x3ff0000000000000u));
    return hn::BitCast(D32(), Fused(dd, hn::Sub(hn::BitCast(dd, bits), hn::Set(dd, 1.0)), fill));
  }
  const Fill& fill;
};

template <class Finish>
void FillWords(const Fill& fill, const Finish& finish) {
  // 64-bit elements are two words; far ones are reached by the counter.
  const bool wide = dtype_size(fill.dtype) == 8;
  const std::uint64_t near = wide ? 0 : fill.first_element % 2;
  const std::uint64_t blocks = wide ? fill.first_element : fill.first_element / 2;
  const ThreefryFiller<Finish> filler(fill.key, fill.counter.low + blocks, finish);
  filler.run(near, wide ? fill.count * 2 : fill.count, static_cast<std::uint32_t*>(fill.output));
}

const char* FillThreefry(const Fill& fill) {
  constexpr bool kFuses = HWY_TARGET != HWY_SSE4;
  if (fill.scaled && !kFuses) return nullptr;
  if (fill.distribution == Distribution::uniform) {
    if (fill.dtype == DType::f32) {
      FillWords(fill, UniformBits32{fill});
    } else {
      FillWords(fill, UniformBits64{fill});
    }
  } else if (fill.distribution == Distribution::uniform_full_int) {
    FillWords(fill, AsDrawn{});
  } else if (dtype_size(fill.dtype) == 4) {
    FillWords(fill, Remainder32(low_word(fill.range), low_word(fill.low)));
  } else {
    FillWords(fill, AsDrawn{});
    const Remainder64 remainder(fill.range, fill.low);
    std::uint64_t* out = static_cast<std::uint64_t*>(fill.output);
    for (std::uint64_t i = 0; i < fill.count; ++i) out[i] = remainder(out[i]);
  }
  return hwy::TargetName(HWY_TARGET);
}

#else
const char* FillThreefry(const Fill&) { return nullptr; }
#endif

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace counterpoint::inline v1::kernels {
namespace {

HWY_EXPORT(FillThreefry);

// Up to here the scalar code is faster than a whole tile of vectors.
constexpr std::uint64_t kFewElements = 4;

bool words_in_order(const Fill& fill) {
  if (dtype_size(fill.dtype) == 8) return true;
  std::uint64_t total = 1;
  for (const std::int64_t side : fill.shape) total *= static_cast<std::uint64_t>(side);
  return ThreefryLayout(fill.shape).pairs_in_order(total);
}

bool has_vector_path(const Fill& fill) {
  if (fill.count <= kFewElements || dtype_size(fill.dtype) == 2) return false;
  if (is_floating(fill.dtype) && fill.distribution != Distribution::uniform) return false;
  if (fill.scaled && !(math::fusible(fill.scale) && math::fusible(fill.offset))) return false;
  return words_in_order(fill);
}

}  // namespace

const char* fill_threefry(const Fill& fill) {
  if (has_vector_path(fill)) {
    if (const char* const target = HWY_DYNAMIC_DISPATCH(FillThreefry)(fill)) return target;
  }
  fill_threefry_scalar(fill);
  return "scalar";
}

}  // namespace counterpoint::inline v1::kernels
#endif
