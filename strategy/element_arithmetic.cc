#include "counterpoint/strategy/internal/element_arithmetic.h"

#include <type_traits>

namespace counterpoint::inline v1 {
namespace {

template <class T>
T sum(T a, T b, bool subtract) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    const U x = static_cast<U>(a);
    const U y = static_cast<U>(b);
    return static_cast<T>(subtract ? x - y : x + y);
  } else if constexpr (std::is_floating_point_v<T>) {
    return subtract ? a - b : a + b;
  } else {
    const float x = a.to_float();
    const float y = b.to_float();
    return T::from_float(subtract ? x - y : x + y);
  }
}

}  // namespace

void add_elements(const Buffer& values, const ConstBuffer& operand, bool subtract) {
  visit_dtype(values.dtype, [&]<class T>(T) {
    T* const to = static_cast<T*>(values.data);
    const T* const from = static_cast<const T*>(operand.data);
    for (std::int64_t i = 0; i < values.count; ++i) to[i] = sum(to[i], from[i], subtract);
  });
}

void divide_elements(const Buffer& values, int divisor) {
  visit_dtype(values.dtype, [&]<class T>(T) {
    T* const to = static_cast<T*>(values.data);
    for (std::int64_t i = 0; i < values.count; ++i) {
      if constexpr (std::is_floating_point_v<T>) {
        to[i] /= static_cast<T>(divisor);
      } else if constexpr (!std::is_integral_v<T>) {
        to[i] = T::from_float(to[i].to_float() / static_cast<float>(divisor));
      }
    }
  });
}

}  // namespace counterpoint::inline v1
