// The two loops of a categorical: weights by exp, and places in running sums.
#include "counterpoint/kernels/internal/ieee_arithmetic.h"
#include "counterpoint/kernels/simd/sampler_chunks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "counterpoint/kernels/simd/categories.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include "counterpoint/kernels/simd/exp_f64-inl.h"

HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {
namespace {

#if COUNTERPOINT_VECTORS

const char* Exponentials(double* x, std::uint64_t count) {
  const DD d;
  std::uint64_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
    hn::StoreU(ExpF64(hn::LoadU(d, x + i)), d, x + i);
  }
  for (; i < count; ++i) x[i] = math::exp(x[i]);
  return hwy::TargetName(HWY_TARGET);
}

// Up to here it is quicker to compare with all sums than to look them up.
constexpr std::uint64_t kFewSums = 24;

HWY_INLINE VD PlacesOfFew(const double* sums, std::uint64_t count, VD x) {
  const VD one = BroadcastF64(1.0);
  VD place = hn::Zero(DD());
  for (std::uint64_t j = 0; j < count; ++j) {
    place = hn::Add(place, hn::IfThenElseZero(hn::Le(BroadcastF64(sums[j]), x), one));
  }
  return place;
}

// Two vectors of searches side by side: each waits for its loads.
HWY_INLINE void Places(const double* sums, std::uint64_t count, VD x0, VD x1, VD& place0,
                       VD& place1) {
  const DD d;
  const hn::RebindToSigned<DD> di;
  const hn::Vec<decltype(di)> zero = hn::Zero(di);
  hn::Vec<decltype(di)> base0 = zero, base1 = zero;
  const auto at_most = [&](auto base, VD x) {
    return hn::RebindMask(di, hn::Le(hn::GatherIndex(d, sums, base), x));
  };
  while (count > 1) {
    const auto half = hn::Set(di, static_cast<std::int64_t>(count / 2));
    const auto last = hn::Set(di, static_cast<std::int64_t>(count / 2 - 1));
    base0 = hn::Add(base0, hn::IfThenElseZero(at_most(hn::Add(base0, last), x0), half));
    base1 = hn::Add(base1, hn::IfThenElseZero(at_most(hn::Add(base1, last), x1), half));
    count -= count / 2;
  }
  const auto one = hn::Set(di, std::int64_t{1});
  base0 = hn::Add(base0, hn::IfThenElseZero(at_most(base0, x0), one));
  base1 = hn::Add(base1, hn::IfThenElseZero(at_most(base1, x1), one));
  place0 = hn::BitCast(d, base0);
  place1 = hn::BitCast(d, base1);
}

const char* UpperBounds(const double* sums, std::uint64_t sum_count, const double* x,
                        std::uint64_t count, std::uint64_t* places) {
  const DD d;
  const D64 d64;
  const std::uint64_t lanes = hn::Lanes(d);
  std::uint64_t i = 0;
  if (sum_count <= kFewSums) {
    const VD magic = BroadcastF64(0x1p52);
    for (; i + lanes <= count; i += lanes) {
      const VD place = hn::Add(PlacesOfFew(sums, sum_count, hn::LoadU(d, x + i)), magic);
      hn::StoreU(hn::And(hn::BitCast(d64, place), Broadcast64(0xff)), d64, places + i);
    }
  } else {
    for (; i + 2 * lanes <= count; i += 2 * lanes) {
      VD place0, place1;
      Places(sums, sum_count, hn::LoadU(d, x + i), hn::LoadU(d, x + i + lanes), place0, place1);
      hn::StoreU(hn::BitCast(d64, place0), d64, places + i);
      hn::StoreU(hn::BitCast(d64, place1), d64, places + i + lanes);
    }
  }
  for (; i < count; ++i) places[i] = upper_bound(sums, sum_count, x[i]);
  return hwy::TargetName(HWY_TARGET);
}

#else

const char* Exponentials(double* x, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) x[i] = math::exp(x[i]);
  return "scalar";
}

const char* UpperBounds(const double* sums, std::uint64_t sum_count, const double* x,
                        std::uint64_t count, std::uint64_t* places) {
  for (std::uint64_t i = 0; i < count; ++i) places[i] = upper_bound(sums, sum_count, x[i]);
  return "scalar";
}

#endif

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace counterpoint::inline v1::kernels {

HWY_EXPORT(Exponentials);
HWY_EXPORT(UpperBounds);

const char* exponentials(double* x, std::uint64_t count) {
  return HWY_DYNAMIC_DISPATCH(Exponentials)(x, count);
}

const char* upper_bounds(const double* sums, std::uint64_t sum_count, const double* x,
                         std::uint64_t count, std::uint64_t* places) {
  return HWY_DYNAMIC_DISPATCH(UpperBounds)(sums, sum_count, x, count, places);
}

}  // namespace counterpoint::inline v1::kernels
#endif
