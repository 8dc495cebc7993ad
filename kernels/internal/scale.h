// What is done to a standard draw in its own type: T(T(x * scale) + offset), and low + x mod range.
//
//   ScaleInType<float> scale(fill);
//   out[i] = scale(z);                                        // z itself unless fill.scaled
//   std::uint32_t r = low + word % range;
//   ScaleInType<Float16> half(fill);                          // rounds to f16 after each operation
//
// Internal. Thread-safety: values. Source: docs/streams.md section 10.
#pragma once

#include "counterpoint/kernels/dtype.h"
#include "counterpoint/kernels/internal/ieee_arithmetic.h"
#include "counterpoint/kernels/stream_definition.h"

namespace counterpoint::inline v1::kernels {

// f32 and f64: two roundings in the type.
template <class T>
class ScaleInType {
 public:
  explicit ScaleInType(const Fill& fill)
      : scaled_(fill.scaled),
        scale_(static_cast<T>(fill.scale)),
        offset_(static_cast<T>(fill.offset)) {}

  T operator()(T x) const {
    if (!scaled_) return x;
    const T product = x * scale_;
    return product + offset_;
  }

 private:
  bool scaled_;
  T scale_;
  T offset_;
};

// f16 and bf16: operations in f32, rounded to the type after each.
template <class T>
  requires(sizeof(T) == 2)
class ScaleInType<T> {
 public:
  explicit ScaleInType(const Fill& fill)
      : scaled_(fill.scaled),
        scale_(static_cast<float>(fill.scale)),
        offset_(static_cast<float>(fill.offset)) {}

  T operator()(T x) const {
    if (!scaled_) return x;
    const T product = T::from_float(x.to_float() * scale_);
    return T::from_float(product.to_float() + offset_);
  }

 private:
  bool scaled_;
  float scale_;
  float offset_;
};

}  // namespace counterpoint::inline v1::kernels
