// From the words of ThreeFry draws to values of each float type, as XLA makes them.
//
//   UnitUpperF32(words); UnitUpperF64(words);              // [0, 1) from the upper bits
//   const StoreScaled<Float16> store(fill);
//   store.rounded(x, out);                                 // a vector of floats, rounded and scaled
//   store.cut(x, out);                                     // bf16: the low bits are dropped instead
//
// Per-target, as philox-inl.h.
#if defined(COUNTERPOINT_KERNELS_SIMD_THREEFRY_VALUES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_THREEFRY_VALUES_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_THREEFRY_VALUES_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_THREEFRY_VALUES_INL_H_
#endif

#include "counterpoint/kernels/simd/finish-inl.h"
#include "counterpoint/kernels/simd/math_xla-inl.h"

#if COUNTERPOINT_VECTORS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

HWY_INLINE VF UnitUpperF32(V32 words) {
  const D32 d;
  const V32 bits = hn::Or(hn::ShiftRight<9>(words), hn::Set(d, 0x3f800000u));
  return hn::Sub(hn::BitCast(DF(), bits), BroadcastF32(1.0f));
}

HWY_INLINE VD UnitUpperF64(V64 words) {
  const V64 bits = hn::Or(hn::ShiftRight<12>(words), Broadcast64(0x3ff0000000000000u));
  return hn::Sub(hn::BitCast(DD(), bits), BroadcastF64(1.0));
}

// f16's uniforms take the low bits.
HWY_INLINE VF UnitF16(V32 words) {
  const V32 mantissa = hn::And(words, hn::Set(D32(), 0x3ffu));
  const VF whole = hn::ConvertTo(DF(), hn::BitCast(hn::RebindToSigned<D32>(), mantissa));
  return hn::Mul(whole, BroadcastF32(0x1p-10f));
}

HWY_INLINE void SinCosOfFloats(VF angle, VF& sine, VF& cosine) {
  VD sine0, cosine0, sine1, cosine1;
  SinCosF32(PromoteLower(angle), sine0, cosine0);
  SinCosF32(PromoteUpper(angle), sine1, cosine1);
  sine = RoundToFloats(sine0, sine1);
  cosine = RoundToFloats(cosine0, cosine1);
}

// x rounded to f16.
HWY_INLINE VF RoundedToF16(VF x) { return FloatsOfHalfBits<Float16>(HalfBits<Float16>(x)); }

// Stores a vector of values as elements of T: x * scale + offset in one rounding, if the fill is
// scaled.
template <class T>
class StoreScaled {
 public:
  explicit StoreScaled(const Fill& fill)
      : scaled_(fill.scaled),
        scale_(static_cast<float>(fill.scale)),
        offset_(static_cast<float>(fill.offset)) {}

  HWY_INLINE void rounded(VF x, T* HWY_RESTRICT out) const {
    if constexpr (sizeof(T) == 4) {
      hn::StoreU(scale(x), DF(), out);
    } else {
      bits(HalfBits<T>(x), out);
    }
  }

  HWY_INLINE void cut(VF x, T* HWY_RESTRICT out) const {
    if constexpr (std::is_same_v<T, BFloat16>) {
      bits(hn::ShiftRight<16>(hn::BitCast(D32(), x)), out);
    } else {
      rounded(x, out);
    }
  }

 private:
  HWY_INLINE VF scale(VF x) const {
    return scaled_ ? FusedF32(x, BroadcastF32(scale_), BroadcastF32(offset_)) : x;
  }

  HWY_INLINE void bits(V32 halves, T* HWY_RESTRICT out) const {
    if (scaled_) halves = HalfBits<T>(scale(FloatsOfHalfBits<T>(halves)));
    const hn::Rebind<std::uint16_t, D32> d16;
    const hn::RebindToSigned<D32> di;
    hn::StoreU(hn::DemoteTo(d16, hn::BitCast(di, halves)), d16,
               reinterpret_cast<std::uint16_t*>(out));
  }

  bool scaled_;
  float scale_;
  float offset_;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
