#include "counterpoint/kernels/simd/threefry_fills.h"

#include "counterpoint/kernels/internal/math_xla.h"
#include "counterpoint/kernels/internal/threefry_scalar.h"

namespace counterpoint::inline v1::kernels {
namespace {

// Up to here the scalar code, which makes one of a pair of normals at a time, is faster than a whole
// tile of vectors.
constexpr std::uint64_t few_elements(Distribution distribution) {
  return distribution == Distribution::normal ? 1 : 4;
}

}  // namespace

const char* fill_threefry(const Fill& fill) {
  const bool fusible = !fill.scaled || (math::fusible(fill.scale) && math::fusible(fill.offset));
  if (fill.count <= few_elements(fill.distribution) || !fusible) {
    fill_threefry_scalar(fill);
    return "scalar";
  }
  return fill.distribution == Distribution::normal ? fill_threefry_normals(fill)
                                                   : fill_threefry_words(fill);
}

}  // namespace counterpoint::inline v1::kernels
