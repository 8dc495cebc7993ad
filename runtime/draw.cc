#include "counterpoint/runtime/internal/draw.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "counterpoint/kernels/internal/math_xla.h"
#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1 {
namespace {

using kernels::Distribution;

Distribution distribution_of(Operation operation, DType dtype) {
  switch (operation) {
    case Operation::normal:
      return Distribution::normal;
    case Operation::truncated_normal:
      return Distribution::truncated_normal;
    case Operation::uniform:
      return is_floating(dtype) ? Distribution::uniform : Distribution::uniform_int;
    default:
      return Distribution::uniform_full_int;
  }
}

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

template <class T>
double to_double(T value) {
  if constexpr (std::is_arithmetic_v<T>) {
    return static_cast<double>(value);
  } else {
    return value.to_float();
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
  std::uint64_t digest = mix_digest(1, static_cast<std::uint64_t>(tensor->dtype()));
  for (const std::int64_t length : tensor->shape()) {
    digest = mix_digest(digest, static_cast<std::uint64_t>(length));
  }
  return digest;
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

DrawPlan::DrawPlan(const StreamDefinition& definition, Operation operation, DType dtype,
                   ShapeView shape, const Parameter& first, const Parameter& second)
    : operation_(operation),
      dtype_(dtype),
      shape_(shape),
      elements_(shape.size() == 1 && shape[0] >= 0 ? shape[0] : element_count(shape)),
      result_count_(elements_),
      blocks_(kBlocksPerElement * static_cast<std::uint64_t>(elements_)) {
  if (operation == Operation::binomial) {
    plan_binomial(definition, first, second);
    return;
  }
  fill_.distribution = distribution_of(operation, dtype);
  fill_.dtype = dtype;
  fill_.shape = shape;
  fill_.count = static_cast<std::uint64_t>(elements_);
  if (!definition.supports(fill_.distribution, dtype)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{} {} does not make {} values", definition.name,
                            operation_name(operation), dtype_name(dtype)));
  }
  switch (fill_.distribution) {
    case Distribution::uniform_full_int:
      break;
    case Distribution::uniform_int:
      plan_int_range(first, second);
      break;
    default:
      plan_floating(first, second);
  }
}

DrawPlan::DrawPlan(const StreamDefinition& definition, Operation operation, DType dtype,
                   ShapeView shape, const Parameter& first, const Parameter& second,
                   const RowRange& rows)
    : DrawPlan(definition, operation, dtype, shape, first, second) {
  const std::int64_t row = shape.front() == 0 ? 0 : elements_ / shape.front();
  fill_.first_element = static_cast<std::uint64_t>(rows.first * row);
  fill_.count = static_cast<std::uint64_t>(rows.count * row);
  written_shape_.assign(shape.begin(), shape.end());
  written_shape_.front() = rows.count;
  result_count_ = rows.count * row;
  if (!broadcast_) return;
  const auto by_row = [&](const Tensor& parameter) {
    return parameter.shape().size() > shape.size() ||
           (parameter.shape().size() == shape.size() && parameter.shape().front() != 1);
  };
  if (by_row(broadcast_->scale) || by_row(broadcast_->offset)) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("parameters of a draw that replicas share are the same for every row of {}; "
                    "shapes {} and {} are not",
                    shape_to_string(shape), shape_to_string(broadcast_->scale.shape()),
                    shape_to_string(broadcast_->offset.shape())));
  }
  broadcast_->shape.front() = rows.count;
  broadcast_->raw = Tensor(dtype_, Shape{result_count_});
  result_count_ = element_count(broadcast_->shape);
}

void DrawPlan::plan_int_range(const Parameter& minval, const Parameter& maxval) {
  if (elements_ == 0) return;  // as in TensorFlow, nothing is checked then
  const std::uint64_t low = minval.as_integer(dtype_, "minval");
  const std::uint64_t high = maxval.as_integer(dtype_, "maxval");
  const bool is_signed = dtype_ == DType::i32 || dtype_ == DType::i64;
  const bool empty =
      is_signed ? static_cast<std::int64_t>(low) >= static_cast<std::int64_t>(high) : low >= high;
  if (empty) {
    const auto text = [is_signed](std::uint64_t value) {
      return is_signed ? fmt::format("{}", static_cast<std::int64_t>(value))
                       : fmt::format("{}", value);
    };
    throw Error(ErrorCode::invalid_argument,
                fmt::format("uniform needs minval < maxval; minval is {}, maxval is {}", text(low),
                            text(high)));
  }
  fill_.low = low;
  fill_.range = high - low;
  scalars_ = {low, high};
}

void DrawPlan::plan_floating(const Parameter& first, const Parameter& second) {
  if (first.tensor() != nullptr || second.tensor() != nullptr) {
    plan_broadcast(first, second);
    return;
  }
  const double a = first.as_floating(dtype_);
  const double b = second.as_floating(dtype_);
  fill_.scaled = true;
  fill_.offset = a;
  fill_.scale = b;
  if (operation_ == Operation::uniform) {
    visit_dtype(dtype_, [&]<class T>(T) {
      fill_.scale = to_double(subtract(from_double<T>(b), from_double<T>(a)));
    });
  }
  scalars_ = {std::bit_cast<std::uint64_t>(a), std::bit_cast<std::uint64_t>(b)};
}

void DrawPlan::plan_broadcast(const Parameter& first, const Parameter& second) {
  Tensor offset = converted_parameter(first, dtype_);
  Tensor scale = converted_parameter(second, dtype_);
  if (operation_ == Operation::uniform) scale = broadcast_difference(scale, offset);
  Shape shape = broadcast_shapes(broadcast_shapes(shape_, scale.shape()), offset.shape());
  result_count_ = element_count(shape);
  scalars_ = {record_scalar(first, dtype_), record_scalar(second, dtype_)};
  broadcast_.emplace(Broadcast{.shape = std::move(shape),
                               .scale = std::move(scale),
                               .offset = std::move(offset),
                               .raw = Tensor(dtype_, Shape{elements_})});
}

Shape DrawPlan::result_shape() const {
  return broadcast_ ? broadcast_->shape : Shape(shape_.begin(), shape_.end());
}

CallRecord DrawPlan::record(const std::source_location& location) const {
  return {.operation = operation_,
          .dtype = dtype_,
          .shape = shape_,
          .scalars = scalars_,
          .location = location};
}

void DrawPlan::run(const StreamDefinition& definition, const Reservation& reserved, void* output) {
  if (result_count_ == 0) return;
  if (trials_) {
    run_binomial(definition, reserved, output);
    return;
  }
  kernels::Fill fill = fill_;
  fill.key = reserved.key;
  fill.counter = reserved.counter;
  fill.output = output;
  if (broadcast_) {
    run_broadcast(definition, fill, output);
  } else {
    definition.fill(fill);
  }
}

void DrawPlan::run_broadcast(const StreamDefinition& definition, kernels::Fill fill, void* output) {
  fill.output = broadcast_->raw.bytes().data();
  definition.fill(fill);
  const Broadcast& broadcast = *broadcast_;
  visit_dtype(dtype_, [&]<class T>(T) {
    const std::span<const T> numbers = broadcast.raw.values<T>();
    const std::span<const T> scale = broadcast.scale.values<T>();
    const std::span<const T> offset = broadcast.offset.values<T>();
    T* const out = static_cast<T*>(output);
    const ShapeView drawn = written_shape_.empty() ? shape_ : ShapeView(written_shape_);
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
