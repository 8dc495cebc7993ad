#include "counterpoint/runtime/internal/draw.h"

#include <fmt/format.h>

#include <bit>

#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/internal/fill_pool.h"

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

// high - low in the floating type `dtype`, whose values they are.
double difference(DType dtype, double high, double low) {
  const auto in_float = static_cast<float>(high) - static_cast<float>(low);
  switch (dtype) {
    case DType::f16:
      return Float16::from_float(in_float).to_float();
    case DType::bf16:
      return BFloat16::from_float(in_float).to_float();
    case DType::f32:
      return in_float;
    default:
      return high - low;
  }
}

}  // namespace

DrawPlan::DrawPlan(const StreamDefinition& definition, Operation operation, DType dtype,
                   ShapeView shape, const Parameter& first, const Parameter& second)
    : record_{.operation = operation, .dtype = dtype, .shape = shape},
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
  written_shape_.assign(shape.begin(), shape.end());
  written_shape_.front() = rows.count;
  broadcast_->shape.front() = rows.count;
  broadcast_->raw = Tensor(record_.dtype, Shape{result_count_});
  result_count_ = element_count(broadcast_->shape);
}

void DrawPlan::plan_int_range(const Parameter& minval, const Parameter& maxval) {
  if (elements_ == 0) return;  // as in TensorFlow, nothing is checked then
  const std::uint64_t low = minval.as_integer(dtype(), "minval");
  const std::uint64_t high = maxval.as_integer(dtype(), "maxval");
  const bool is_signed = dtype() == DType::i32 || dtype() == DType::i64;
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
  record_.scalars = {low, high};
}

void DrawPlan::plan_floating(const Parameter& first, const Parameter& second) {
  if (first.tensor() != nullptr || second.tensor() != nullptr) {
    plan_broadcast(first, second);
    return;
  }
  const double a = first.as_floating(dtype());
  const double b = second.as_floating(dtype());
  fill_.scaled = true;
  fill_.offset = a;
  fill_.scale = b;
  if (record_.operation == Operation::uniform) {
    fill_.scale = difference(dtype(), b, a);
    // x * 1 + 0 is x but for -0, which no uniform is.
    fill_.scaled = fill_.scale != 1 || std::bit_cast<std::uint64_t>(a) != 0;
  }
  record_.scalars = {std::bit_cast<std::uint64_t>(a), std::bit_cast<std::uint64_t>(b)};
}

Shape DrawPlan::result_shape() const {
  return broadcast_ ? broadcast_->shape : Shape(record_.shape.begin(), record_.shape.end());
}

void DrawPlan::run(const StreamDefinition& definition, std::uint64_t key, kernels::Counter counter,
                   void* output) {
  if (result_count_ == 0) return;
  if (trials_) {
    run_binomial(definition, key, counter, output);
    return;
  }
  fill_.key = key;
  fill_.counter = counter;
  if (broadcast_) {
    run_broadcast(definition, output);
    return;
  }
  fill_.output = output;
  fill_in_parallel(definition, fill_);
}

}  // namespace counterpoint::inline v1
