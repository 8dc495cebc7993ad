// Draws whose parameters are tensors: numbers first, then combined with parameters that broadcast.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "counterpoint/kernels/internal/math_xla.h"
#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/internal/call_parameters.h"
#include "counterpoint/runtime/internal/draw.h"
#include "counterpoint/runtime/internal/fill_pool.h"

namespace counterpoint::inline v1 {
namespace {

template <class T>
T subtract(T a, T b) {
  if constexpr (std::is_arithmetic_v<T>) {
    return a - b;
  } else {
    return T::from_float(a.to_float() - b.to_float());
  }
}

template <class T>
T from_double(double value) {
  if constexpr (std::is_arithmetic_v<T>) {
    return static_cast<T>(value);
  } else {
    return T::from_float(static_cast<float>(value));
  }
}

// T(T(value * scale) + offset)
template <class T>
T affine(T value, T scale, T offset) {
  if constexpr (std::is_arithmetic_v<T>) {
    const T product = value * scale;
    return product + offset;
  } else {
    const T product = T::from_float(value.to_float() * scale.to_float());
    return T::from_float(product.to_float() + offset.to_float());
  }
}

// The same, rounded once, of a number that was drawn.
template <class T>
T fused_affine(T value, T scale, T offset) {
  if constexpr (std::is_same_v<T, double>) {
    return kernels::math::fused_f64(value, scale, offset);
  } else if constexpr (std::is_same_v<T, float>) {
    return kernels::math::fused_f32(value, scale, offset);
  } else if constexpr (!std::is_arithmetic_v<T>) {
    return T::from_float(
        kernels::math::fused_f32(value.to_float(), scale.to_float(), offset.to_float()));
  } else {
    return affine(value, scale, offset);  // no parameters broadcast in integers
  }
}

template <class T>
T element(std::span<const T> values, std::int64_t index) {
  return values[static_cast<std::size_t>(index)];
}

// maxval - minval, which broadcast by themselves first, as in TensorFlow.
Tensor broadcast_difference(const Tensor& maxval, const Tensor& minval) {
  Tensor result(maxval.dtype(), broadcast_shapes(maxval.shape(), minval.shape()));
  visit_dtype(maxval.dtype(), [&]<class T>(T) {
    const std::span<T> out = result.values<T>();
    const std::span<const T> high = maxval.values<T>();
    const std::span<const T> low = minval.values<T>();
    for_each_broadcast(result.shape(), {maxval.shape(), minval.shape(), ShapeView{}},
                       [&](std::int64_t i, std::int64_t h, std::int64_t l, std::int64_t) {
                         out[static_cast<std::size_t>(i)] =
                             subtract(element(high, h), element(low, l));
                       });
  });
  return result;
}

}  // namespace

Tensor converted_parameter(const Parameter& parameter, DType dtype) {
  const Tensor* tensor = parameter.tensor();
  Tensor result(dtype, tensor == nullptr ? Shape{} : tensor->shape());
  visit_dtype(dtype, [&]<class T>(T) {
    const std::span<T> values = result.values<T>();
    if (tensor != nullptr && tensor->dtype() == dtype) {
      std::ranges::copy(tensor->values<T>(), values.begin());
      return;
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = from_double<T>(
          tensor == nullptr ? parameter.as_floating(dtype)
                            : element_as_floating(*tensor, static_cast<std::int64_t>(i), dtype));
    }
  });
  return result;
}

std::uint64_t record_scalar(const Parameter& parameter, DType dtype) {
  const Tensor* tensor = parameter.tensor();
  if (tensor == nullptr) return std::bit_cast<std::uint64_t>(parameter.as_floating(dtype));
  return tensor_scalar(tensor->dtype(), tensor->shape());
}

Shape broadcast_shapes(ShapeView a, ShapeView b) {
  const std::size_t rank = std::max(a.size(), b.size());
  Shape result(rank, 1);
  for (std::size_t back = 1; back <= rank; ++back) {
    const std::int64_t from_a = back <= a.size() ? a[a.size() - back] : 1;
    const std::int64_t from_b = back <= b.size() ? b[b.size() - back] : 1;
    if (from_a != from_b && from_a != 1 && from_b != 1) {
      throw Error(
          ErrorCode::invalid_argument,
          fmt::format(
              "shapes {} and {} do not broadcast: lengths {} and {} meet; each must be equal or 1",
              shape_to_string(a), shape_to_string(b), from_a, from_b));
    }
    result[rank - back] = from_a == 1 ? from_b : from_a;
  }
  return result;
}

void DrawPlan::plan_broadcast(const Parameter& first, const Parameter& second) {
  Tensor offset = converted_parameter(first, dtype());
  Tensor scale = converted_parameter(second, dtype());
  if (record_.operation == Operation::uniform) scale = broadcast_difference(scale, offset);
  Shape shape = broadcast_shapes(broadcast_shapes(record_.shape, scale.shape()), offset.shape());
  result_count_ = element_count(shape);
  record_.scalars = {record_scalar(first, dtype()), record_scalar(second, dtype())};
  broadcast_.emplace(Broadcast{.shape = std::move(shape),
                               .scale = std::move(scale),
                               .offset = std::move(offset),
                               .raw = Tensor(dtype(), Shape{result_count_ == 0 ? 0 : elements_})});
}

void DrawPlan::run_broadcast(const StreamDefinition& definition, void* output) {
  fill_.output = broadcast_->raw.bytes().data();
  fill_in_parallel(definition, fill_);
  const Broadcast& broadcast = *broadcast_;
  visit_dtype(dtype(), [&]<class T>(T) {
    const std::span<const T> numbers = broadcast.raw.values<T>();
    const std::span<const T> scale = broadcast.scale.values<T>();
    const std::span<const T> offset = broadcast.offset.values<T>();
    T* const out = static_cast<T*>(output);
    const ShapeView drawn = written_shape_.empty() ? record_.shape : ShapeView(written_shape_);
    for_each_broadcast(broadcast.shape, {drawn, broadcast.scale.shape(), broadcast.offset.shape()},
                       [&](std::int64_t i, std::int64_t n, std::int64_t s, std::int64_t o) {
                         const T x = element(numbers, n);
                         out[i] = definition.fused_scaling
                                      ? fused_affine(x, element(scale, s), element(offset, o))
                                      : affine(x, element(scale, s), element(offset, o));
                       });
  });
}

}  // namespace counterpoint::inline v1
