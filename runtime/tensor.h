// A dense row-major array of one element type, in memory of its own or of the caller's; or, while a
// function is traced, a node of the trace that has a type and a shape but no data.
//
//   cp::Tensor weights(cp::DType::f32, {64, 10});          // zeros
//   std::span<float> values = weights.values<float>();
//   cp::Tensor mean = cp::Tensor::from<double>({1.0, 2.0}, {2});
//   std::cout << weights;
//
// A tensor is a value: copies copy the data, moves do not.
// Thread-safety: as a std::vector.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "counterpoint/kernels/dtype.h"
#include "counterpoint/runtime/device.h"

namespace counterpoint::inline v1 {

// Lengths of the dimensions, outermost first; {} is a scalar.
using Shape = std::vector<std::int64_t>;
using ShapeView = std::span<const std::int64_t>;

// Number of elements. Errors: invalid_argument for a negative length or more than 2^62 elements.
COUNTERPOINT_PUBLIC std::int64_t element_count(ShapeView shape);
// "[2, 3]"
COUNTERPOINT_PUBLIC std::string shape_to_string(ShapeView shape);

// What a tracer leaves in a tensor in place of data.
class COUNTERPOINT_PUBLIC TraceNode {
 public:
  virtual ~TraceNode();
};

class COUNTERPOINT_PUBLIC Tensor {
 public:
  // An f32 tensor of shape {0}; a moved-from tensor has that shape too. Allocates nothing.
  Tensor() noexcept;
  // Zeros. Errors: invalid_argument for the shape, resource_exhausted without memory.
  Tensor(DType dtype, Shape shape);
  Tensor(const Tensor& other);
  Tensor(Tensor&& other) noexcept;
  Tensor& operator=(const Tensor& other);
  Tensor& operator=(Tensor&& other) noexcept;
  ~Tensor();

  // A copy of `values`. Errors: invalid_argument if the shape has another number of elements.
  template <Element T>
  static Tensor from(std::span<const T> values, Shape shape) {
    return copy_bytes(dtype_of<T>, std::move(shape), std::as_bytes(values));
  }
  template <Element T>
  static Tensor from(std::initializer_list<T> values, Shape shape) {
    return from(std::span<const T>(values.begin(), values.size()), std::move(shape));
  }
  template <Element T>
  static Tensor scalar(T value) {
    return from(std::span<const T>(&value, 1), {});
  }
  // Takes `data`, `deleter(data)` frees it. The bytes behind it must be element_count(shape)
  // elements.
  static Tensor adopt(DType dtype, Shape shape, Device device, void* data, void (*deleter)(void*));
  static Tensor traced(DType dtype, Shape shape, std::shared_ptr<const TraceNode> node);

  DType dtype() const noexcept { return dtype_; }
  const Shape& shape() const noexcept {
    return size_ == 0 && shape_.empty() ? empty_shape() : shape_;
  }
  // Number of elements.
  std::int64_t size() const noexcept { return size_; }
  Device device() const noexcept { return device_; }
  const std::shared_ptr<const TraceNode>& trace_node() const noexcept { return node_; }

  // The elements, row-major. Errors: invalid_argument if T is not the tensor's type;
  // failed_precondition for a node of a trace and for data that is not on the CPU.
  template <Element T>
  std::span<T> values() & {
    check_access(dtype_of<T>);
    return {static_cast<T*>(data_), static_cast<std::size_t>(size_)};
  }
  template <Element T>
  std::span<const T> values() const& {
    check_access(dtype_of<T>);
    return {static_cast<const T*>(data_), static_cast<std::size_t>(size_)};
  }
  // A temporary tensor's elements would be gone before a loop over them began: name the tensor
  // first.
  template <Element T>
  void values() const&& = delete;
  // The one element. Errors: as values(), and invalid_argument if there are more or none.
  template <Element T>
  T item() const& {
    check_single();
    return values<T>()[0];
  }
  // Element `index` in row-major order. Errors: as values(), and invalid_argument if there is none.
  template <Element T>
  T item(std::int64_t index) const& {
    check_index(index);
    return values<T>()[static_cast<std::size_t>(index)];
  }
  // The elements as bytes, in this machine's order. Errors: failed_precondition as for values().
  std::span<std::byte> bytes();
  std::span<const std::byte> bytes() const;

  // Like NumPy: nested brackets, long dimensions shortened; floats with the digits that tell them
  // apart.
  std::string to_string() const;

 private:
  static Tensor copy_bytes(DType dtype, Shape shape, std::span<const std::byte> bytes);
  static const Shape& empty_shape() noexcept;
  void check_access(DType wanted) const;
  void check_single() const;
  void check_index(std::int64_t index) const;
  void check_host() const;
  void release() noexcept;

  DType dtype_ = DType::f32;
  Shape shape_;
  std::int64_t size_ = 0;
  Device device_;
  void* data_ = nullptr;
  void (*deleter_)(void*) = nullptr;
  std::shared_ptr<const TraceNode> node_;
};

COUNTERPOINT_PUBLIC std::ostream& operator<<(std::ostream& stream, const Tensor& tensor);

}  // namespace counterpoint::inline v1
