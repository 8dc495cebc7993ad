// What the sources of the stateless functions share.
//
//   const Reservation reserved = stateless_reservation(definition, seed);
//   BatchedParameters parameters("gamma", shape, {&alpha, &beta}, DType::f32);
//   parameters.batch(), parameters.samples(), parameters.values<float>(0);
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "counterpoint/runtime/fill_target.h"
#include "counterpoint/runtime/internal/draw.h"
#include "counterpoint/runtime/stateless_seed.h"

namespace counterpoint::inline v1 {

// Key and counter of a stateless draw.
Reservation stateless_reservation(const StreamDefinition& definition, const StatelessSeed& seed);

// Errors: invalid_argument unless the algorithm has it.
void check_defined(const StreamDefinition& definition, std::string_view function, bool defined);

// Errors: invalid_argument if an array of `have` elements cannot hold `need`.
void check_array_size(std::int64_t have, std::int64_t need);

// Errors: invalid_argument unless supported, naming the `types` that are.
void check_dtype(std::string_view sampler, DType dtype, bool supported, std::string_view types);
// The types of gamma and bounded normals.
constexpr bool is_binary_float(DType dtype) {
  return dtype == DType::f16 || dtype == DType::f32 || dtype == DType::f64;
}

// The logical shape of a fill.
class LogicalShape {
 public:
  LogicalShape(const FillTarget& out, ShapeView shape) : count_(out.count()), shape_(shape) {
    if (!shape.empty()) check_array_size(count_, element_count(shape));
  }
  LogicalShape(const LogicalShape&) = delete;
  LogicalShape& operator=(const LogicalShape&) = delete;

  operator ShapeView() const { return shape_.empty() ? ShapeView(&count_, 1) : shape_; }  // NOLINT

 private:
  std::int64_t count_;
  ShapeView shape_;
};

// Parameters of one float type, broadcast against each other to a shape that the draw's shape ends
// with. Up to four; numbers alone allocate nothing.
class BatchedParameters {
 public:
  // Errors: invalid_argument if they do not broadcast or the shape does not end with theirs.
  BatchedParameters(std::string_view sampler, ShapeView shape,
                    std::initializer_list<const Parameter*> parameters, DType dtype);

  std::uint64_t batch() const noexcept { return batch_; }
  std::uint64_t samples() const noexcept { return samples_; }
  // Outputs.
  std::uint64_t count() const noexcept { return batch_ * samples_; }
  // Of parameter `index`: batch() elements of the float type.
  const void* data(std::size_t index) const {
    return tensors_.empty() ? static_cast<const void*>(numbers_[index].bytes)
                            : tensors_[index].bytes().data();
  }
  template <class T>
  std::span<const T> values(std::size_t index) const {
    return {static_cast<const T*>(data(index)), static_cast<std::size_t>(batch_)};
  }
  double at(std::size_t index, std::uint64_t b) const;

 private:
  struct alignas(double) Number {
    std::byte bytes[sizeof(double)];
  };

  DType dtype_;
  std::uint64_t batch_ = 0;
  std::uint64_t samples_ = 0;
  std::array<Number, 4> numbers_{};  // where none is a tensor
  std::vector<Tensor> tensors_;      // else all
};

}  // namespace counterpoint::inline v1
