// low + x mod range for vectors of 32-bit words; remainder.h says why it is exact.
//
//   Remainder32 remainder(range, low);
//   V32 y = remainder(words);
//
// Per-target, as philox-inl.h.
#if defined(COUNTERPOINT_KERNELS_SIMD_REMAINDER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_REMAINDER_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_REMAINDER_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_REMAINDER_INL_H_
#endif

#include "counterpoint/kernels/simd/philox-inl.h"
#include "counterpoint/kernels/simd/remainder.h"

#if COUNTERPOINT_VECTORS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

class Remainder32 {
 public:
  Remainder32(std::uint32_t range, std::uint32_t low)
      : range_(range), low_(low), reciprocal_(reciprocal32(range)) {}

  HWY_INLINE V32 operator()(V32 x) const {
    const D32 d;
    const V32 range = hn::Set(d, range_);
    const V32 quotient = mul_high(x, hn::Set(d, reciprocal_));
    const V32 rest = hn::Sub(x, hn::Mul(quotient, range));
    return hn::Add(hn::Min(rest, hn::Sub(rest, range)), hn::Set(d, low_));
  }

 private:
  static HWY_INLINE V32 mul_high(V32 x, V32 y) {
    const D32 d;
    const D64 d64;
    const V64 even = hn::ShiftRight<32>(hn::MulEven(x, y));
    const V32 odd_down = hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(d64, x)));
    return hn::OddEven(hn::BitCast(d, hn::MulEven(odd_down, y)), hn::BitCast(d, even));
  }

  std::uint32_t range_;
  std::uint32_t low_;
  std::uint32_t reciprocal_;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
