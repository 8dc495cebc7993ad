// Element types: the ones TensorFlow's generators know, and the two 16-bit floats C++20 lacks.
//
//   cp::DType type = cp::dtype_of<float>;             // DType::f32
//   std::size_t bytes = cp::dtype_size(type);         // 4
//   cp::BFloat16 x = cp::BFloat16::from_float(1.5f);  // round to nearest even
//   float y = x.to_float();                           // exact
//
// Thread-safety: values. Determinism: conversions are integer operations, the same everywhere.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "counterpoint/kernels/export.h"

namespace counterpoint::inline v1 {

enum class DType : std::uint8_t { f16, bf16, f32, f64, i32, i64, u32, u64 };

// IEEE 754 binary16, as bits. Arithmetic is done in float and rounded once.
struct Float16 {
  std::uint16_t bits = 0;

  // Rounds to nearest, ties to even; overflow gives infinity.
  static constexpr Float16 from_float(float value) {
    const std::uint32_t x = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = (x >> 16) & 0x8000u;
    const std::uint32_t magnitude = x & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return Float16{static_cast<std::uint16_t>(sign | 0x7e00u)};
    if (magnitude >= 0x47800000u) return Float16{static_cast<std::uint16_t>(sign | 0x7c00u)};
    std::uint32_t half = 0;
    std::uint32_t rest = 0;
    std::uint32_t tie = 0;
    if (magnitude >= 0x38800000u) {  // normal in f16
      half = (magnitude - 0x38000000u) >> 13;
      rest = magnitude & 0x1fffu;
      tie = 0x1000u;
    } else if (magnitude >= 0x33000000u) {  // subnormal in f16: half an ulp (2^-25) and above
      const std::uint32_t shift = 126u - (magnitude >> 23);
      const std::uint32_t mantissa = (magnitude & 0x7fffffu) | 0x800000u;
      half = mantissa >> shift;
      rest = mantissa & ((1u << shift) - 1u);
      tie = 1u << (shift - 1u);
    }
    if (rest > tie || (tie != 0 && rest == tie && (half & 1u) != 0)) ++half;
    return Float16{static_cast<std::uint16_t>(sign | half)};
  }

  constexpr float to_float() const {
    const std::uint32_t sign = (bits & 0x8000u) << 16;
    const std::uint32_t exponent = (bits >> 10) & 0x1fu;
    std::uint32_t mantissa = bits & 0x3ffu;
    if (exponent == 0x1fu) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
    if (exponent != 0)
      return std::bit_cast<float>(sign | ((exponent + 112u) << 23) | (mantissa << 13));
    if (mantissa == 0) return std::bit_cast<float>(sign);
    std::uint32_t shifted = 113u;
    while ((mantissa & 0x400u) == 0) {
      mantissa <<= 1;
      --shifted;
    }
    return std::bit_cast<float>(sign | (shifted << 23) | ((mantissa & 0x3ffu) << 13));
  }

  friend constexpr bool operator==(Float16, Float16) = default;  // of bits
};

// The upper half of an IEEE 754 binary32, as bits.
struct BFloat16 {
  std::uint16_t bits = 0;

  // Rounds to nearest, ties to even.
  static constexpr BFloat16 from_float(float value) {
    const std::uint32_t x = std::bit_cast<std::uint32_t>(value);
    if ((x & 0x7fffffffu) > 0x7f800000u) {
      return BFloat16{static_cast<std::uint16_t>((x >> 16) | 0x40u)};
    }
    return BFloat16{static_cast<std::uint16_t>((x + 0x7fffu + ((x >> 16) & 1u)) >> 16)};
  }

  constexpr float to_float() const {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }

  friend constexpr bool operator==(BFloat16, BFloat16) = default;  // of bits
};

namespace detail {
template <class T>
struct DTypeOf;
template <>
struct DTypeOf<Float16> {
  static constexpr DType value = DType::f16;
};
template <>
struct DTypeOf<BFloat16> {
  static constexpr DType value = DType::bf16;
};
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::f64;
};
template <>
struct DTypeOf<std::int32_t> {
  static constexpr DType value = DType::i32;
};
template <>
struct DTypeOf<std::int64_t> {
  static constexpr DType value = DType::i64;
};
template <>
struct DTypeOf<std::uint32_t> {
  static constexpr DType value = DType::u32;
};
template <>
struct DTypeOf<std::uint64_t> {
  static constexpr DType value = DType::u64;
};
}  // namespace detail

template <class T>
inline constexpr DType dtype_of = detail::DTypeOf<T>::value;

// A C++ type that an element can have.
template <class T>
concept Element = requires { detail::DTypeOf<T>::value; };

constexpr bool is_floating(DType dtype) { return dtype <= DType::f64; }

// Bytes of one element.
constexpr std::size_t dtype_size(DType dtype) {
  switch (dtype) {
    case DType::f16:
    case DType::bf16:
      return 2;
    case DType::f32:
    case DType::i32:
    case DType::u32:
      return 4;
    case DType::f64:
    case DType::i64:
    case DType::u64:
      return 8;
  }
  return 0;
}

// The short name: "f16", "bf16", "f32", ...
constexpr std::string_view dtype_name(DType dtype) {
  constexpr std::string_view names[] = {"f16", "bf16", "f32", "f64", "i32", "i64", "u32", "u64"};
  return names[static_cast<std::size_t>(dtype)];
}

// Calls `function` with a value of the C++ type behind `dtype`, and returns what it returns.
template <class Function>
constexpr decltype(auto) visit_dtype(DType dtype, Function&& function) {
  switch (dtype) {
    case DType::f16:
      return function(Float16{});
    case DType::bf16:
      return function(BFloat16{});
    case DType::f32:
      return function(float{});
    case DType::f64:
      return function(double{});
    case DType::i32:
      return function(std::int32_t{});
    case DType::i64:
      return function(std::int64_t{});
    case DType::u32:
      return function(std::uint32_t{});
    case DType::u64:
      break;
  }
  return function(std::uint64_t{});
}

}  // namespace counterpoint::inline v1
