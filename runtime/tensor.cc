#include "counterpoint/runtime/tensor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1 {
namespace {

// Cache lines and vectors: fills store whole ones.
constexpr std::align_val_t kAlignment{64};

void free_aligned(void* data) { ::operator delete(data, kAlignment); }

void* allocate(std::int64_t count, DType dtype) {
  if (count == 0) return nullptr;
  const std::size_t bytes = static_cast<std::size_t>(count) * dtype_size(dtype);
  const bool countable = count <= std::numeric_limits<std::int64_t>::max() /
                                      static_cast<std::int64_t>(dtype_size(dtype));
  void* data = countable ? ::operator new(bytes, kAlignment, std::nothrow) : nullptr;
  if (data == nullptr) {
    throw Error(ErrorCode::resource_exhausted,
                fmt::format("no memory for a tensor of {} {} elements", count, dtype_name(dtype)));
  }
  return data;
}

}  // namespace

std::int64_t element_count(ShapeView shape) {
  constexpr std::int64_t kMost = std::int64_t{1} << 62;
  std::int64_t count = 1;
  bool empty = false;
  for (const std::int64_t length : shape) {
    if (length < 0) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("shape {} has a negative length; lengths are 0 or more",
                              shape_to_string(shape)));
    }
    empty = empty || length == 0;
  }
  if (empty) return 0;
  for (const std::int64_t length : shape) {
    if (count > kMost / length) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("shape {} has more than 2^62 elements", shape_to_string(shape)));
    }
    count *= length;
  }
  return count;
}

std::string shape_to_string(ShapeView shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

TraceNode::~TraceNode() = default;

const Shape& Tensor::empty_shape() noexcept {
  static const Shape shape = {0};
  return shape;
}

Tensor::Tensor() noexcept = default;

Tensor::Tensor(DType dtype, Shape shape)
    : dtype_(dtype),
      shape_(std::move(shape)),
      size_(element_count(shape_)),
      data_(allocate(size_, dtype)),
      deleter_(&free_aligned) {
  if (size_ != 0) std::memset(data_, 0, static_cast<std::size_t>(size_) * dtype_size(dtype));
}

Tensor::Tensor(const Tensor& other)
    : dtype_(other.dtype_), shape_(other.shape_), size_(other.size_), node_(other.node_) {
  if (node_ != nullptr) return;
  other.check_host();
  data_ = allocate(size_, dtype_);
  deleter_ = &free_aligned;
  if (size_ != 0) std::memcpy(data_, other.data_, other.bytes().size());
}

Tensor::Tensor(Tensor&& other) noexcept
    : dtype_(other.dtype_),
      shape_(std::exchange(other.shape_, Shape())),
      size_(std::exchange(other.size_, 0)),
      device_(other.device_),
      data_(std::exchange(other.data_, nullptr)),
      deleter_(other.deleter_),
      node_(std::move(other.node_)) {}

Tensor& Tensor::operator=(const Tensor& other) {
  if (this != &other) *this = Tensor(other);
  return *this;
}

Tensor& Tensor::operator=(Tensor&& other) noexcept {
  if (this == &other) return *this;
  release();
  dtype_ = other.dtype_;
  shape_ = std::exchange(other.shape_, Shape());
  size_ = std::exchange(other.size_, 0);
  device_ = other.device_;
  data_ = std::exchange(other.data_, nullptr);
  deleter_ = other.deleter_;
  node_ = std::move(other.node_);
  return *this;
}

Tensor::~Tensor() { release(); }

void Tensor::release() noexcept {
  if (data_ != nullptr && deleter_ != nullptr) deleter_(data_);
  data_ = nullptr;
}

Tensor Tensor::copy_bytes(DType dtype, Shape shape, std::span<const std::byte> bytes) {
  const std::int64_t count = element_count(shape);
  if (static_cast<std::size_t>(count) != bytes.size() / dtype_size(dtype) ||
      bytes.size() % dtype_size(dtype) != 0) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{} values do not make a tensor of shape {} ({} elements)",
                            bytes.size() / dtype_size(dtype), shape_to_string(shape), count));
  }
  Tensor tensor;
  tensor.data_ = allocate(count, dtype);
  tensor.deleter_ = &free_aligned;
  tensor.dtype_ = dtype;
  tensor.shape_ = std::move(shape);
  tensor.size_ = count;
  if (!bytes.empty()) std::memcpy(tensor.data_, bytes.data(), bytes.size());
  return tensor;
}

Tensor Tensor::adopt(DType dtype, Shape shape, Device device, void* data, void (*deleter)(void*)) {
  const std::int64_t count = element_count(shape);
  if (data == nullptr && count != 0) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("no memory was given for a tensor of shape {}", shape_to_string(shape)));
  }
  Tensor tensor;
  tensor.dtype_ = dtype;
  tensor.shape_ = std::move(shape);
  tensor.size_ = count;
  tensor.device_ = device;
  tensor.data_ = data;
  tensor.deleter_ = deleter;
  return tensor;
}

Tensor Tensor::traced(DType dtype, Shape shape, std::shared_ptr<const TraceNode> node) {
  Tensor tensor;
  tensor.dtype_ = dtype;
  tensor.size_ = element_count(shape);
  tensor.shape_ = std::move(shape);
  tensor.node_ = std::move(node);
  return tensor;
}

void Tensor::check_host() const {
  if (node_ != nullptr) {
    throw Error(
        ErrorCode::failed_precondition,
        fmt::format("a {} tensor of shape {} is a node of a trace and has no data yet; use it "
                    "outside of the traced function",
                    dtype_name(dtype_), shape_to_string(shape())));
  }
  if (!device_.is_cpu()) {
    throw Error(ErrorCode::failed_precondition,
                fmt::format("a {} tensor of shape {} lies on GPU {}; copy it to the CPU first",
                            dtype_name(dtype_), shape_to_string(shape()), device_.index));
  }
}

void Tensor::check_access(DType wanted) const {
  if (wanted != dtype_) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("a tensor of {} elements was asked for {} values", dtype_name(dtype_),
                            dtype_name(wanted)));
  }
  check_host();
}

void Tensor::check_single() const {
  if (size_ != 1) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("item() needs a tensor of one element, this one has shape {}",
                            shape_to_string(shape())));
  }
}

void Tensor::check_index(std::int64_t index) const {
  if (index < 0 || index >= size_) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("there is no element {} in a tensor of shape {} ({} elements)", index,
                            shape_to_string(shape()), size_));
  }
}

std::span<std::byte> Tensor::bytes() {
  check_host();
  return {static_cast<std::byte*>(data_), static_cast<std::size_t>(size_) * dtype_size(dtype_)};
}

std::span<const std::byte> Tensor::bytes() const {
  check_host();
  return {static_cast<const std::byte*>(data_),
          static_cast<std::size_t>(size_) * dtype_size(dtype_)};
}

}  // namespace counterpoint::inline v1
