// The f32 Box-Muller steps of math.h in vectors of doubles, bit-equal over all 2^23 inputs of each.
//
//   VD log = LogUnitF32(d, u);                         // u >= 1e-7f; to be rounded to f32
//   SinCosF32(d, angle, sine, cosine);                 // 0 <= angle < 2 pi, a float's value
//   VF radius = RadiusF32(words0, words1);             // of two vectors of lanes
//   NormalsF32(first0, first1, second0, second1, sine, cosine);
//
// Multiply-adds may fuse or not, as the target likes: the results after rounding to f32 are the
// same for every input there is, as the tests show by digest on every target. Branches of the
// scalar code are left out where the general formula gives the same value (angles below 2^-12 and
// pi/4).
//
// Per-target, as philox-inl.h.
#if defined(COUNTERPOINT_KERNELS_SIMD_MATH_F32_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_MATH_F32_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_MATH_F32_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_MATH_F32_INL_H_
#endif

#include "counterpoint/kernels/internal/uniform.h"
#include "counterpoint/kernels/simd/philox-inl.h"
#include "counterpoint/kernels/simd/quarters-inl.h"
#include "counterpoint/kernels/simd/tables.h"

#if COUNTERPOINT_VECTORS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

using DF = hn::ScalableTag<float>;
using DFHalf = hn::Half<DF>;
using VF = hn::Vec<DF>;

// Entries of two 16-entry tables by the low four bits of each lane.
HWY_INLINE void LookUp16(V64 index, VD& reciprocal, VD& log) {
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  const auto two_registers = [&](const double* table) HWY_ATTR {
    return VD{_mm512_permutex2var_pd(_mm512_load_pd(table), index.raw, _mm512_load_pd(table + 8))};
  };
  reciprocal = two_registers(kLogColumns.reciprocals);
  log = two_registers(kLogColumns.logs);
#else
  const DD d;
  const hn::RebindToSigned<DD> di;
  const auto entry = hn::BitCast(di, hn::And(index, Broadcast64(15)));
  reciprocal = hn::GatherIndex(d, kLogColumns.reciprocals, entry);
  log = hn::GatherIndex(d, kLogColumns.logs, entry);
#endif
}

// [0, 1) with the mantissa that the low 23 bits of the lanes give: exactly unit_f32.
HWY_INLINE VD UnitOfWords(V64 words) {
  const DD d;
  const V64 mantissa = hn::And(hn::ShiftLeft<29>(words), Broadcast64(0x000fffffe0000000u));
  return hn::Sub(hn::BitCast(d, hn::Or(mantissa, Broadcast64(0x3ff0000000000000u))),
                 hn::Set(d, 1.0));
}

// log_f32 before its last rounding, of a positive float's value.
HWY_INLINE VD LogUnitF32(VD x) {
  const DD d;
  const D64 d64;
  constexpr std::uint64_t kOffset = 0x3fe6600000000000u;   // the double of the float 0x3f330000
  constexpr std::uint64_t kBias = std::uint64_t{1} << 62;  // 1024 exponents: keeps t positive
  const V64 t = hn::Sub(hn::BitCast(d64, x), Broadcast64(kOffset - kBias));
  VD reciprocal, log;
  LookUp16(hn::ShiftRight<48>(t), reciprocal, log);
  // The exponent as a double: below the point of 2^52.
  const V64 exponent = hn::Or(hn::ShiftRight<52>(t), Broadcast64(0x4330000000000000u));
  const VD k = hn::Sub(hn::BitCast(d, exponent), hn::Set(d, 0x1p52 + 1024));
  const V64 z_bits = hn::Add(hn::And(t, Broadcast64(0x000fffffffffffffu)), Broadcast64(kOffset));
  const VD r = hn::MulSub(hn::BitCast(d, z_bits), reciprocal, hn::Set(d, 1.0));
  const VD y0 = hn::MulAdd(k, hn::Set(d, math::kLn2), log);
  const VD r2 = hn::Mul(r, r);
  const VD y1 = hn::MulAdd(hn::Set(d, math::kLogF32A1), r, hn::Set(d, math::kLogF32A2));
  const VD y = hn::MulAdd(hn::Set(d, math::kLogF32A0), r2, y1);
  return hn::MulAdd(y, r2, hn::Add(y0, r));
}

// sin and cos of an f32 angle before their last rounding.
HWY_INLINE void SinCosF32(VD angle, VD& sine, VD& cosine) {
  const DD d;
  const D64 d64;
  // Adding 1.5 * 2^52 rounds to an integer and leaves it in the low bits.
  const VD magic = hn::Set(d, 0x1.8p52);
  const VD shifted = hn::MulAdd(angle, hn::Set(d, math::kTwoOverPi), magic);
  const V64 n = hn::BitCast(d64, shifted);
  const VD quarter_turns = hn::Sub(shifted, magic);
  const VD y = hn::NegMulAdd(quarter_turns, hn::Set(d, math::kHalfPi), angle);

  const VD y2 = hn::Mul(y, y);
  const VD y3 = hn::Mul(y2, y);
  const VD y4 = hn::Mul(y2, y2);
  const VD s_high = hn::MulAdd(y2, hn::Set(d, math::kSinF32S3), hn::Set(d, math::kSinF32S2));
  const VD s_low = hn::MulAdd(y3, hn::Set(d, math::kSinF32S1), y);
  const VD s = hn::MulAdd(hn::Mul(y3, y2), s_high, s_low);
  const VD c_high = hn::MulAdd(y2, hn::Set(d, math::kCosF32C4), hn::Set(d, math::kCosF32C3));
  const VD c_one = hn::MulAdd(y2, hn::Set(d, math::kCosF32C1), hn::Set(d, 1.0));
  const VD c_low = hn::MulAdd(y4, hn::Set(d, math::kCosF32C2), c_one);
  const VD c = hn::MulAdd(hn::Mul(y4, y2), c_high, c_low);

  PutQuarter(n, s, c, sine, cosine);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
