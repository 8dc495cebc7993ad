// Gamma of alpha 1 by Philox: -log(1 - u) of the second uniform of block 0; and the last step of all
// gammas.
#include <algorithm>

#include "counterpoint/kernels/simd/sampler_chunks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "counterpoint/kernels/simd/philox_exponential.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include "counterpoint/kernels/simd/dispatch-inl.h"
#include "counterpoint/kernels/simd/four_blocks-inl.h"

HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {
namespace {

#if COUNTERPOINT_VECTOR_MEMBERS

template <bool kToF32>
void DrawTo(GammaChunk& chunk) {
  const DD dd;
  const std::uint64_t lanes = hn::Lanes(dd);
  const FourBlocks blocks(chunk);
  // In a loop of its own, so that blocks, and then logs, are computed side by side.
  for (std::uint64_t i = 0; i < chunk.count; i += 4 * lanes) {
    const auto counter = [&](std::uint64_t vector) HWY_ATTR {
      return hn::LoadU(D64(), chunk.counter + i + vector * lanes);
    };
    blocks(counter(0), counter(1), counter(2), counter(3),
           [&](std::uint64_t vector, V64, V64, V64 c, V64 d)
               HWY_ATTR { hn::StoreU(UnitF64(c, d), dd, chunk.out + i + vector * lanes); });
  }
  for (std::uint64_t i = 0; i < chunk.count; i += lanes) {
    const VD rest = hn::Sub(BroadcastF64(1.0), hn::LoadU(dd, chunk.out + i));
    const VD x = hn::Neg(kToF32 ? RoughLog(rest) : LogF64(rest));
    hn::StoreU(x, dd, chunk.out + i);
    if (kToF32) LeaveUncertain(chunk, i, x);
  }
}

const char* DrawExponentials(GammaChunk& chunk) {
  for (std::uint64_t i = 0; i < 4; ++i) {  // lanes beyond the count: any streams will do
    hn::StoreU(Broadcast64(0), D64(), chunk.counter + chunk.count + i * hn::Lanes(D64()));
  }
  chunk.to_f32 ? DrawTo<true>(chunk) : DrawTo<false>(chunk);
  return hwy::TargetName(HWY_TARGET);
}

#else
const char* DrawExponentials(GammaChunk& chunk) { return leave_chunk(chunk); }
#endif

#if COUNTERPOINT_VECTORS

HWY_INLINE VD RoundedTo(VD x, double) { return x; }
HWY_INLINE hn::Vec<hn::Rebind<float, DD>> RoundedTo(VD x, float) {
  return hn::DemoteTo(hn::Rebind<float, DD>(), x);
}

template <class T>
void Scale(const GammaOutputs<T>& outputs) {
  const hn::Rebind<T, DD> d;
  const auto beta = hn::Set(d, outputs.beta);
  const auto smallest = hn::Set(d, std::numeric_limits<T>::min());
  const bool divide = outputs.beta != 1;
  const auto scaled = [&](std::uint64_t i) HWY_ATTR {
    const auto x = RoundedTo(hn::LoadU(DD(), outputs.x + i), T());
    const auto quotient = divide ? hn::Div(x, beta) : x;
    return hn::IfThenElse(hn::Gt(quotient, smallest), quotient, smallest);
  };
  const std::uint64_t lanes = hn::Lanes(d);
  std::uint64_t i = 0;
  for (; i + lanes <= outputs.count; i += lanes) hn::StoreU(scaled(i), d, outputs.out + i);
  if (i == outputs.count) return;
  T rest[hn::MaxLanes(d)];
  hn::StoreU(scaled(i), d, rest);
  std::copy(rest, rest + (outputs.count - i), outputs.out + i);
}

#else

template <class T>
void Scale(const GammaOutputs<T>& outputs) {
  for (std::uint64_t i = 0; i < outputs.count; ++i) {
    const T x = static_cast<T>(outputs.x[i]);
    const T quotient = x / outputs.beta;
    outputs.out[i] =
        quotient > std::numeric_limits<T>::min() ? quotient : std::numeric_limits<T>::min();
  }
}

#endif

const char* ScaleGammasF64(const GammaOutputs<double>& outputs) {
  Scale(outputs);
  return hwy::TargetName(HWY_TARGET);
}

const char* ScaleGammasF32(const GammaOutputs<float>& outputs) {
  Scale(outputs);
  return hwy::TargetName(HWY_TARGET);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

COUNTERPOINT_DISPATCH(draw_exponential_chunk, DrawExponentials, GammaChunk&)
COUNTERPOINT_DISPATCH(scale_gammas, ScaleGammasF64, const GammaOutputs<double>&)
COUNTERPOINT_DISPATCH(scale_gammas, ScaleGammasF32, const GammaOutputs<float>&)
