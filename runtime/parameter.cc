#include "counterpoint/runtime/parameter.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <utility>

#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1 {
namespace {

template <class T>
double round_to(T value, DType dtype) {
  switch (dtype) {
    case DType::f16:
      return Float16::from_float(static_cast<float>(value)).to_float();
    case DType::bf16:
      return BFloat16::from_float(static_cast<float>(value)).to_float();
    case DType::f32:
      return static_cast<float>(value);
    default:
      return static_cast<double>(value);
  }
}

[[noreturn]] void fail_integer(std::string_view name, const std::string& value, DType dtype) {
  throw Error(ErrorCode::invalid_argument,
              fmt::format("{} is {}, which is not a value of {}", name, value, dtype_name(dtype)));
}

template <class Value>
std::uint64_t integer_bits(Value value, DType dtype, std::string_view name) {
  return visit_dtype(dtype, [&]<class T>(T) -> std::uint64_t {
    if constexpr (std::integral<T>) {
      if (!std::in_range<T>(value)) fail_integer(name, fmt::format("{}", value), dtype);
      return static_cast<std::uint64_t>(static_cast<T>(value));
    } else {
      fail_integer(name, fmt::format("{}", value), dtype);
    }
  });
}

}  // namespace

double element_as_floating(const Tensor& tensor, std::int64_t index, DType dtype) {
  return visit_dtype(tensor.dtype(), [&]<class T>(T) {
    const T value = tensor.values<T>()[static_cast<std::size_t>(index)];
    if constexpr (std::is_arithmetic_v<T>) {
      return round_to(value, dtype);
    } else {
      return round_to(value.to_float(), dtype);
    }
  });
}

double Parameter::converted(DType dtype) const {
  return std::visit(
      [&]<class T>(const T& value) -> double {
        if constexpr (std::is_same_v<T, const Tensor*>) {
          if (value->size() != 1) {
            throw Error(ErrorCode::invalid_argument,
                        fmt::format("a scalar parameter is needed here, not a tensor of shape {}",
                                    shape_to_string(value->shape())));
          }
          return element_as_floating(*value, 0, dtype);
        } else {
          return round_to(value, dtype);
        }
      },
      value_);
}

std::uint64_t Parameter::as_integer(DType dtype, std::string_view name) const {
  return std::visit(
      [&]<class T>(const T& value) -> std::uint64_t {
        if constexpr (std::is_same_v<T, const Tensor*>) {
          if (value->size() != 1) {
            throw Error(ErrorCode::invalid_argument,
                        fmt::format("{} of an integer range is a scalar, not a tensor of shape {}",
                                    name, shape_to_string(value->shape())));
          }
          return visit_dtype(value->dtype(), [&]<class E>(E) -> std::uint64_t {
            const E element = value->template values<E>()[0];
            if constexpr (std::integral<E>) {
              return integer_bits(element, dtype, name);
            } else {
              fail_integer(name, fmt::format("of type {}", dtype_name(value->dtype())), dtype);
            }
          });
        } else if constexpr (std::is_same_v<T, double>) {
          // 2^63 and above need not be exact in a double: those are passed as integers.
          if (!(std::abs(value) < 0x1p63) || value != std::floor(value)) {
            fail_integer(name, fmt::format("{}", value), dtype);
          }
          return integer_bits(static_cast<std::int64_t>(value), dtype, name);
        } else {
          return integer_bits(value, dtype, name);
        }
      },
      value_);
}

}  // namespace counterpoint::inline v1
