// An argument of a distribution: a number, or a tensor that broadcasts as NumPy's arrays do.
//
//   noise.normal<float>({32, 64}, 0.0, 2.0);
//   noise.normal<float>({3}, cp::Tensor::from<float>({0, 1}, {2, 1}));  // [2, 3], the same three z
//   noise.uniform<std::int64_t>({8}, -5, 5);
//
// A parameter refers to its tensor, which must outlive the call. It is converted to the result's
// type first; a number becomes f16 or bf16 through f32, as in TensorFlow. Rates of a Poisson and
// counts and probabilities of a binomial become f32, and are refused where that makes others of
// them. Source: docs/streams.md section 10.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>
#include <variant>

#include "counterpoint/runtime/tensor.h"

namespace counterpoint::inline v1 {

class COUNTERPOINT_PUBLIC Parameter {
 public:
  template <std::floating_point T>
  Parameter(T value) : value_(static_cast<double>(value)) {}  // NOLINT(google-explicit-constructor)
  template <std::signed_integral T>
  Parameter(T value) : value_(static_cast<std::int64_t>(value)) {}  // NOLINT
  template <std::unsigned_integral T>
  Parameter(T value) : value_(static_cast<std::uint64_t>(value)) {}  // NOLINT
  Parameter(const Tensor& tensor) : value_(&tensor) {}               // NOLINT

  const Tensor* tensor() const noexcept {
    const auto* found = std::get_if<const Tensor*>(&value_);
    return found == nullptr ? nullptr : *found;
  }

  // Whether it is a number of an integer type.
  bool is_integer() const noexcept {
    return std::holds_alternative<std::int64_t>(value_) ||
           std::holds_alternative<std::uint64_t>(value_);
  }

  // The number as a value of the floating type `dtype`, which a double holds exactly.
  // For tensors: of the one element. Errors: invalid_argument if there are more.
  double as_floating(DType dtype) const {
    if (const double* number = std::get_if<double>(&value_)) [[likely]] {
      if (dtype == DType::f32) return static_cast<double>(static_cast<float>(*number));
      if (dtype == DType::f64) return *number;
    }
    return converted(dtype);
  }
  // The number's bits as an integer of type `dtype`, extended to 64 bits. Errors: invalid_argument,
  // with `name`, for a fraction or a value that the type cannot hold.
  std::uint64_t as_integer(DType dtype, std::string_view name) const;

 private:
  double converted(DType dtype) const;

  std::variant<double, std::int64_t, std::uint64_t, const Tensor*> value_;
};

// Element `index` of a tensor of any type as a value of the floating type `dtype`.
double element_as_floating(const Tensor& tensor, std::int64_t index, DType dtype);

}  // namespace counterpoint::inline v1
