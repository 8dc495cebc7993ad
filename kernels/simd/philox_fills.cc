#include "counterpoint/kernels/simd/philox_fills.h"

#include "counterpoint/kernels/internal/philox_scalar.h"

namespace counterpoint::inline v1::kernels {
namespace {

// Up to here the scalar code is faster than a whole tile of vectors.
constexpr std::uint64_t kFewElements = 4;

}  // namespace

const char* fill_philox(const Fill& fill) {
  if (fill.count <= kFewElements) {
    if (fill.count == 1 && fill.distribution == Distribution::normal && fill.dtype == DType::f32) {
      fill_philox_one_normal(fill);
    } else {
      fill_philox_scalar(fill);
    }
    return "scalar";
  }
  if (dtype_size(fill.dtype) == 2) return fill_philox_half(fill);
  switch (fill.distribution) {
    case Distribution::uniform_full_int:
    case Distribution::uniform_int:
      return fill_philox_integers(fill);
    case Distribution::uniform:
      return fill_philox_uniform(fill);
    case Distribution::normal:
      return fill.dtype == DType::f64 ? fill_philox_normal_f64(fill) : fill_philox_normal(fill);
    case Distribution::truncated_normal:
      break;
  }
  return fill_philox_truncated(fill);
}

}  // namespace counterpoint::inline v1::kernels
