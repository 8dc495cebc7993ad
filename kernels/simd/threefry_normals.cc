// Normals by ThreeFry, as XLA's on a machine with fused multiply-adds.
#include "counterpoint/kernels/simd/threefry_fills.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "counterpoint/kernels/simd/threefry_normals.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include "counterpoint/kernels/simd/dispatch-inl.h"
#include "counterpoint/kernels/simd/threefry_draws-inl.h"
#include "counterpoint/kernels/simd/threefry_values-inl.h"

HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {
namespace {

#if COUNTERPOINT_VECTORS

HWY_INLINE void NormalsOfWords(V32 radius_words, V32 angle_words, VF& sine, VF& cosine) {
  const VF u = hn::Max(UnitUpperF32(radius_words), BroadcastF32(kSmallestUniform));
  const VF radius = hn::Sqrt(hn::Mul(BroadcastF32(-2.0f), XlaLogF32(u)));
  const VF two_pi = BroadcastF32(static_cast<float>(math::kTwoPi));
  SinCosOfFloats(hn::Mul(two_pi, UnitUpperF32(angle_words)), sine, cosine);
  sine = hn::Mul(sine, radius);
  cosine = hn::Mul(cosine, radius);
}

// Every operation in f32 and rounded to f16; the last one is for who stores them.
HWY_INLINE void HalfNormalsOfWords(V32 radius_words, V32 angle_words, VF& sine, VF& cosine) {
  const VF floor = RoundedToF16(BroadcastF32(kSmallestUniform));
  const VF log = RoundedToF16(XlaLogF32(hn::Max(UnitF16(radius_words), floor)));
  const VF square = RoundedToF16(hn::Mul(BroadcastF32(-2.0f), log));
  const VF radius = RoundedToF16(hn::Sqrt(square));
  const VF two_pi = RoundedToF16(BroadcastF32(static_cast<float>(math::kTwoPi)));
  SinCosOfFloats(RoundedToF16(hn::Mul(two_pi, UnitF16(angle_words))), sine, cosine);
  sine = hn::Mul(RoundedToF16(sine), radius);
  cosine = hn::Mul(RoundedToF16(cosine), radius);
}

template <class T>
void FillNormals32(const Fill& fill) {
  const StoreScaled<T> store(fill);
  FillNormalPairs32<T>(fill,
                       [&](V32 radius_words, V32 angle_words, T* sine_out, T* cosine_out) HWY_ATTR {
                         VF sine, cosine;
                         if constexpr (std::is_same_v<T, Float16>) {
                           HalfNormalsOfWords(radius_words, angle_words, sine, cosine);
                         } else {
                           NormalsOfWords(radius_words, angle_words, sine, cosine);
                         }
                         store.cut(sine, sine_out);
                         store.cut(cosine, cosine_out);
                       });
}

void FillNormals64(const Fill& fill) {
  const VD scale = BroadcastF64(fill.scale);
  const VD offset = BroadcastF64(fill.offset);
  FillNormalPairs64(
      fill, [&](V64 radius_words, V64 angle_words, double* sine_out, double* cosine_out) HWY_ATTR {
        const DD d;
        const VD floor = BroadcastF64(static_cast<double>(kSmallestUniform));
        VD sine, cosine;
        BoxMullerF64(hn::Max(UnitUpperF64(radius_words), floor),
                     hn::Mul(BroadcastF64(math::kTwoPi), UnitUpperF64(angle_words)), sine, cosine);
        hn::StoreU(fill.scaled ? FusedF64(sine, scale, offset) : sine, d, sine_out);
        hn::StoreU(fill.scaled ? FusedF64(cosine, scale, offset) : cosine, d, cosine_out);
      });
}

const char* FillThreefryNormals(const Fill& fill) {
  if (fill.dtype == DType::f16) {
    FillNormals32<Float16>(fill);
  } else if (fill.dtype == DType::bf16) {
    FillNormals32<BFloat16>(fill);
  } else if (fill.dtype == DType::f32) {
    FillNormals32<float>(fill);
  } else {
    FillNormals64(fill);
  }
  return hwy::TargetName(HWY_TARGET);
}

#else
const char* FillThreefryNormals(const Fill& fill) { return FillThreefryWithoutVectors(fill); }
#endif

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

COUNTERPOINT_DISPATCH(fill_threefry_normals, FillThreefryNormals, const Fill&)
