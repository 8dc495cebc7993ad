#include "counterpoint/kernels/simd/probe.h"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "counterpoint/kernels/simd/probe.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include "counterpoint/kernels/internal/math_xla.h"
#include "counterpoint/kernels/internal/uniform.h"
#include "counterpoint/kernels/simd/finish-inl.h"
#include "counterpoint/kernels/simd/normal_f32-inl.h"
#include "counterpoint/kernels/simd/rough_f64-inl.h"
#include "counterpoint/kernels/simd/threefry_values-inl.h"

HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {
namespace {

#if COUNTERPOINT_VECTORS

HWY_INLINE VF Step(ProbedStep step, V64 words0, V64 words1) {
  const DD d;
  const VD floor = hn::Set(d, static_cast<double>(kSmallestUniform));
  VD sine0, cosine0, sine1, cosine1;
  SinCosF32(AngleF32(words0), sine0, cosine0);
  SinCosF32(AngleF32(words1), sine1, cosine1);
  switch (step) {
    case ProbedStep::log:
      return RoundToFloats(LogUnitF32(hn::Max(UnitOfWords(words0), floor)),
                           LogUnitF32(hn::Max(UnitOfWords(words1), floor)));
    case ProbedStep::radius:
      return RadiusF32(words0, words1);
    case ProbedStep::angle:
      return RoundToFloats(AngleF32(words0), AngleF32(words1));
    case ProbedStep::sine:
      return RoundToFloats(sine0, sine1);
    default:
      return RoundToFloats(cosine0, cosine1);
  }
}

HWY_INLINE VF XlaStep(ProbedStep step, V32 words) {
  const VF u = UnitUpperF32(words);
  if (step == ProbedStep::xla_log) return XlaLogF32(hn::Max(u, BroadcastF32(kSmallestUniform)));
  if (step == ProbedStep::xla_truncated) return XlaTruncatedF32(u);
  const VF angle = hn::Mul(BroadcastF32(static_cast<float>(math::kTwoPi)), u);
  VF sine, cosine;
  SinCosOfFloats(angle, sine, cosine);
  return step == ProbedStep::xla_sine ? sine : cosine;
}

void ProbeSteps(ProbedStep step, const std::uint32_t* words, float* out, std::uint64_t n) {
  const D64 d64;
  const DF df;
  const hn::Rebind<std::uint32_t, D64> narrow;
  const std::size_t lanes = hn::Lanes(d64);
  if (step >= ProbedStep::xla_log) {
    for (std::uint64_t i = 0; i < n; i += 2 * lanes) {
      hn::StoreU(XlaStep(step, hn::LoadU(D32(), words + i)), df, out + i);
    }
    return;
  }
  for (std::uint64_t i = 0; i < n; i += 2 * lanes) {
    const V64 words0 = hn::PromoteTo(d64, hn::LoadU(narrow, words + i));
    const V64 words1 = hn::PromoteTo(d64, hn::LoadU(narrow, words + i + lanes));
    hn::StoreU(Step(step, words0, words1), df, out + i);
  }
}

template <class T>
void ProbeHalf(const float* in, std::uint16_t* out, std::uint64_t n) {
  Fill unscaled;
  FinishHalves(in, n, unscaled, FloatsAsTheyAre{}, reinterpret_cast<T*>(out));
}

void ProbeRough(const RoughProbe& probe) {
  const DD d;
  for (std::uint64_t i = 0; i < probe.n; i += hn::Lanes(d)) {
    const VD u = hn::LoadU(d, probe.u + i);
    const VD v = hn::LoadU(d, probe.v + i);
    const VD normal = RoughNormal(u, v);
    const VD or_power = probe.step == RoughStep::power ? RoughPowOfUnit(u, v) : normal;
    hn::StoreU(probe.step == RoughStep::log ? RoughLog(u) : or_power, d, probe.out + i);
  }
}

#else

float xla_step(ProbedStep step, float u) {
  if (step == ProbedStep::xla_log) return math::xla_log_f32(std::max(u, kSmallestUniform));
  if (step == ProbedStep::xla_truncated) return math::xla_truncated_normal_f32(u);
  const auto both = math::sincos_f32(static_cast<float>(math::kTwoPi) * u);
  return step == ProbedStep::xla_sine ? both.sin : both.cos;
}

void ProbeSteps(ProbedStep step, const std::uint32_t* words, float* out, std::uint64_t n) {
  for (std::uint64_t i = 0; i < n; ++i) {
    const float u = unit_f32(words[i]);
    const float angle = box_muller_angle_f32(u);
    switch (step) {
      case ProbedStep::log:
        out[i] = math::log_f32(u < kSmallestUniform ? kSmallestUniform : u);
        break;
      case ProbedStep::radius:
        out[i] = box_muller_radius_f32(u);
        break;
      case ProbedStep::angle:
        out[i] = angle;
        break;
      case ProbedStep::sine:
        out[i] = math::sincos_f32(angle).sin;
        break;
      case ProbedStep::cosine:
        out[i] = math::sincos_f32(angle).cos;
        break;
      default:
        out[i] = xla_step(step, static_cast<float>(words[i] >> 9) * 0x1p-23f);
    }
  }
}

template <class T>
void ProbeHalf(const float* in, std::uint16_t* out, std::uint64_t n) {
  for (std::uint64_t i = 0; i < n; ++i) out[i] = T::from_float(in[i]).bits;
}

// Nothing is rough where there are no vectors.
void ProbeRough(const RoughProbe& probe) {
  for (std::uint64_t i = 0; i < probe.n; ++i) {
    const double log = math::log(std::max(probe.u[i], 1e-7));
    const double cosine = math::sincos_f64(math::kTwoPi * probe.v[i]).cos;
    const double normal = cosine * std::sqrt(-2.0 * log);
    const double power = math::pow_of_unit(probe.u[i], probe.v[i]);
    const double or_power = probe.step == RoughStep::power ? power : normal;
    probe.out[i] = probe.step == RoughStep::log ? math::log(probe.u[i]) : or_power;
  }
}

#endif

void ProbeF16(const float* in, std::uint16_t* out, std::uint64_t n) {
  ProbeHalf<Float16>(in, out, n);
}
void ProbeBf16(const float* in, std::uint16_t* out, std::uint64_t n) {
  ProbeHalf<BFloat16>(in, out, n);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace counterpoint::inline v1::kernels {

HWY_EXPORT(ProbeSteps);
HWY_EXPORT(ProbeF16);
HWY_EXPORT(ProbeBf16);
HWY_EXPORT(ProbeRough);

void probe_steps(ProbedStep step, const std::uint32_t* words, float* out, std::uint64_t n) {
  HWY_DYNAMIC_DISPATCH(ProbeSteps)(step, words, out, n);
}
void probe_rough(const RoughProbe& probe) { HWY_DYNAMIC_DISPATCH(ProbeRough)(probe); }
void probe_f16(const float* in, std::uint16_t* out, std::uint64_t n) {
  HWY_DYNAMIC_DISPATCH(ProbeF16)(in, out, n);
}
void probe_bf16(const float* in, std::uint16_t* out, std::uint64_t n) {
  HWY_DYNAMIC_DISPATCH(ProbeBf16)(in, out, n);
}

}  // namespace counterpoint::inline v1::kernels
#endif
