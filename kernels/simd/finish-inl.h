// From a piece of standard draws in a buffer to the output: scaling, rounding to f16 or bf16,
// storing.
//
//   FinishFloats(buffer, count, fill, stream, out);             // f32 or f64, scaled if the fill
//   is FinishHalves<Float16>(buffer, count, fill, FloatsAsTheyAre{}, out);
//   FinishHalves<BFloat16>(words, count, fill, UnitFloats<7>{}, out);
//
// Buffers are 64-byte aligned and whole vectors long: ZeroTail(buffer, count) before, where the last
// vector is not all drawn, lest arithmetic on what the memory held raises exceptions.
//
// Per-target, as philox-inl.h.
#if defined(COUNTERPOINT_KERNELS_SIMD_FINISH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_FINISH_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_FINISH_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_FINISH_INL_H_
#endif

#include <cmath>
#include <cstring>

#include "counterpoint/kernels/simd/blocks-inl.h"
#include "counterpoint/kernels/simd/math_f32-inl.h"
#include "counterpoint/kernels/simd/scale-inl.h"

#if COUNTERPOINT_VECTORS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

// Elements of a piece: small enough for the first-level cache.
inline constexpr std::uint64_t kPieceElements = 1024;

// Zeros the lanes of the last vector beyond `count`.
template <class T>
HWY_INLINE void ZeroTail(T* buffer, std::uint64_t count) {
  const std::uint64_t n = hn::Lanes(hn::ScalableTag<T>());
  if (count % n != 0) std::memset(buffer + count, 0, (n - count % n) * sizeof(T));
}

template <bool kStream, bool kScaled, class T>
HWY_INLINE void FinishFloatsAs(const T* HWY_RESTRICT buffer, std::uint64_t count, const Fill& fill,
                               T* HWY_RESTRICT out) {
  const hn::ScalableTag<T> d;
  const std::uint64_t n = hn::Lanes(d);
  const T scale = static_cast<T>(fill.scale);
  const T offset = static_cast<T>(fill.offset);
  std::uint64_t i = 0;
  for (; i + n <= count; i += n) {
    StoreVector<kStream>(ScaleVector<kScaled>(d, hn::Load(d, buffer + i), scale, offset), d,
                         out + i);
  }
  if (i < count) {
    alignas(64) T rest[HWY_MAX_BYTES / sizeof(T)];
    hn::Store(ScaleVector<kScaled>(d, hn::Load(d, buffer + i), scale, offset), d, rest);
    std::memcpy(out + i, rest, (count - i) * sizeof(T));
  }
}

template <class T>
HWY_INLINE void FinishFloats(const T* buffer, std::uint64_t count, const Fill& fill, bool stream,
                             T* out) {
  if (stream) {
    if (fill.scaled) return FinishFloatsAs<true, true>(buffer, count, fill, out);
    return FinishFloatsAs<true, false>(buffer, count, fill, out);
  }
  if (fill.scaled) return FinishFloatsAs<false, true>(buffer, count, fill, out);
  FinishFloatsAs<false, false>(buffer, count, fill, out);
}

// ------------------------------------------------------------------ f16 and bf16

// Bits of the nearest T, ties to even, in the low half of each lane.
template <class T>
HWY_INLINE V32 HalfBits(VF x);

template <>
HWY_INLINE V32 HalfBits<BFloat16>(VF x) {
  const D32 d;
  const V32 bits = hn::BitCast(d, x);
  const V32 up = hn::Add(hn::Set(d, 0x7fffu), hn::And(hn::ShiftRight<16>(bits), hn::Set(d, 1u)));
  const V32 rounded = hn::ShiftRight<16>(hn::Add(bits, up));
  const V32 quiet = hn::Or(hn::ShiftRight<16>(bits), hn::Set(d, 0x40u));
  const V32 magnitude = hn::And(bits, hn::Set(d, 0x7fffffffu));
  const auto nan = hn::Gt(magnitude, hn::Set(d, 0x7f800000u));
  return hn::IfThenElse(nan, quiet, rounded);
}

template <>
HWY_INLINE V32 HalfBits<Float16>(VF x) {
  const D32 d;
  const DF df;
  const V32 bits = hn::BitCast(d, x);
  const V32 sign = hn::And(hn::ShiftRight<16>(bits), hn::Set(d, 0x8000u));
  const V32 magnitude = hn::And(bits, hn::Set(d, 0x7fffffffu));
  // Normal: drop 13 bits and rebias; what passes the largest becomes infinity.
  const V32 up = hn::Add(hn::Set(d, 0xfffu), hn::And(hn::ShiftRight<13>(bits), hn::Set(d, 1u)));
  const V32 rebiased = hn::Sub(hn::Add(magnitude, up), hn::Set(d, 112u << 23));
  const V32 normal = hn::Min(hn::ShiftRight<13>(rebiased), hn::Set(d, 0x7c00u));
  // Subnormal: in the sum with 1/2 the last place is theirs.
  const VF sum = hn::Add(hn::BitCast(df, magnitude), hn::Set(df, 0.5f));
  const V32 subnormal = hn::Sub(hn::BitCast(d, sum), hn::Set(d, 0x3f000000u));
  const auto small = hn::Lt(magnitude, hn::Set(d, 0x38800000u));
  const V32 finite = hn::IfThenElse(small, subnormal, normal);
  const auto nan = hn::Gt(magnitude, hn::Set(d, 0x7f800000u));
  return hn::Or(sign, hn::IfThenElse(nan, hn::Set(d, 0x7e00u), finite));
}

template <class T>
HWY_INLINE VF FloatsOfHalfBits(V32 bits);

template <>
HWY_INLINE VF FloatsOfHalfBits<BFloat16>(V32 bits) {
  return hn::BitCast(DF(), hn::ShiftLeft<16>(bits));
}

template <>
HWY_INLINE VF FloatsOfHalfBits<Float16>(V32 bits) {
  const D32 d;
  const DF df;
  const V32 sign = hn::ShiftLeft<16>(hn::And(bits, hn::Set(d, 0x8000u)));
  const V32 shifted = hn::ShiftLeft<13>(hn::And(bits, hn::Set(d, 0x7fffu)));
  // Scaling by 2^112 is exact and makes subnormals normal; infinities and NaNs need their exponent.
  const VF scaled = hn::Mul(hn::BitCast(df, shifted), hn::Set(df, 0x1p112f));
  const auto special = hn::Gt(shifted, hn::Set(d, 0x0f7fffffu));
  const V32 magnitude =
      hn::IfThenElse(special, hn::Or(shifted, hn::Set(d, 0x7f800000u)), hn::BitCast(d, scaled));
  return hn::BitCast(df, hn::Or(sign, magnitude));
}

struct FloatsAsTheyAre {
  using Input = float;
  HWY_INLINE VF operator()(const float* HWY_RESTRICT from) const { return hn::Load(DF(), from); }
};

// Uniforms of kBits bits, from words.
template <int kBits>
struct UnitFloats {
  using Input = std::uint32_t;
  HWY_INLINE VF operator()(const std::uint32_t* HWY_RESTRICT from) const {
    const D32 d;
    const DF df;
    const hn::RebindToSigned<D32> di;
    const V32 mantissa = hn::And(hn::Load(d, from), hn::Set(d, (1u << kBits) - 1));
    const VF whole = hn::ConvertTo(df, hn::BitCast(di, mantissa));
    return hn::Mul(whole, hn::Set(df, 1.0f / static_cast<float>(1 << kBits)));
  }
};

enum class HalfScale : std::uint8_t { none, one, any };

// x * 1 + 0 is x, but for -0, which it makes 0: most draws are standard ones, and rounding twice more
// takes longer than they do.
HWY_INLINE HalfScale HalfScaleOf(const Fill& fill) {
  if (!fill.scaled) return HalfScale::none;
  const bool one = fill.scale == 1 && fill.offset == 0 && !std::signbit(fill.offset);
  return one ? HalfScale::one : HalfScale::any;
}

// Operations in f32, each rounded to T.
template <HalfScale kScale, class T, class Convert>
HWY_INLINE void FinishHalvesAs(const typename Convert::Input* HWY_RESTRICT buffer,
                               std::uint64_t count, const Fill& fill, const Convert& convert,
                               T* HWY_RESTRICT out) {
  const D32 d;
  const DF df;
  const hn::RebindToSigned<DF> di;
  const hn::Rebind<std::uint16_t, DF> d16;
  const std::uint64_t n = hn::Lanes(df);
  const VF scale = hn::Set(df, static_cast<float>(fill.scale));
  const VF offset = hn::Set(df, static_cast<float>(fill.offset));
  alignas(64) std::uint16_t packed[HWY_MAX_BYTES / sizeof(float)];
  for (std::uint64_t i = 0; i < count; i += n) {
    V32 bits = HalfBits<T>(convert(buffer + i));
    if constexpr (kScale == HalfScale::one) {
      bits = hn::IfThenZeroElse(hn::Eq(bits, hn::Set(d, 0x8000u)), bits);
    } else if constexpr (kScale == HalfScale::any) {
      const VF product = hn::Mul(FloatsOfHalfBits<T>(bits), scale);
      const VF rounded = FloatsOfHalfBits<T>(HalfBits<T>(product));
      bits = HalfBits<T>(hn::Add(rounded, offset));
    }
    const auto halves = hn::DemoteTo(d16, hn::BitCast(di, bits));
    const std::uint64_t left = count - i;
    if (left >= n) {
      hn::StoreU(halves, d16, reinterpret_cast<std::uint16_t*>(out + i));
    } else {
      hn::Store(halves, d16, packed);
      std::memcpy(out + i, packed, left * sizeof(T));
    }
  }
}

template <class T, class Convert>
HWY_INLINE void FinishHalves(const typename Convert::Input* buffer, std::uint64_t count,
                             const Fill& fill, const Convert& convert, T* out) {
  switch (HalfScaleOf(fill)) {
    case HalfScale::none:
      return FinishHalvesAs<HalfScale::none>(buffer, count, fill, convert, out);
    case HalfScale::one:
      return FinishHalvesAs<HalfScale::one>(buffer, count, fill, convert, out);
    default:
      return FinishHalvesAs<HalfScale::any>(buffer, count, fill, convert, out);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
