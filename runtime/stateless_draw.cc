#include "counterpoint/runtime/internal/stateless_draw.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1 {

Reservation stateless_reservation(const StreamDefinition& definition, const StatelessSeed& seed) {
  Reservation reserved;
  definition.scramble_seed(seed.words().data(), &reserved.key, &reserved.counter);
  return reserved;
}

void check_defined(const StreamDefinition& definition, std::string_view function, bool defined) {
  if (!defined) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("TensorFlow defines no {} for {}; use Philox", function, definition.name));
  }
}

void check_array_size(std::int64_t have, std::int64_t need) {
  if (have != need) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("an array of {} elements cannot hold the {} of the draw; give its "
                            "shape, or an array of as many",
                            have, need));
  }
}

void check_dtype(std::string_view sampler, DType dtype, bool supported, std::string_view types) {
  if (!supported) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{} makes {} values, not {}", sampler, types, dtype_name(dtype)));
  }
}

BatchedParameters::BatchedParameters(std::string_view sampler, ShapeView shape,
                                     std::initializer_list<const Parameter*> parameters,
                                     DType dtype)
    : dtype_(dtype) {
  const auto is_number = [](const Parameter* p) { return p->tensor() == nullptr; };
  if (std::ranges::all_of(parameters, is_number)) {
    std::size_t index = 0;
    for (const Parameter* parameter : parameters) {
      const std::uint64_t word = element_bits(parameter->as_floating(dtype), dtype);
      std::memcpy(numbers_[index++].bytes, &word, sizeof(word));
    }
    batch_ = 1;
    samples_ = static_cast<std::uint64_t>(element_count(shape));
    return;
  }
  Shape batch_shape;
  for (const Parameter* parameter : parameters) {
    tensors_.push_back(converted_parameter(*parameter, dtype));
    batch_shape = broadcast_shapes(batch_shape, tensors_.back().shape());
  }
  const ShapeView tail = shape.last(std::min(batch_shape.size(), shape.size()));
  if (!std::ranges::equal(tail, batch_shape)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("the shape of a {} must end with that of its parameters: {} does not "
                            "end with {}",
                            sampler, shape_to_string(shape), shape_to_string(batch_shape)));
  }
  batch_ = static_cast<std::uint64_t>(element_count(batch_shape));
  const auto elements = static_cast<std::uint64_t>(element_count(shape));
  samples_ = batch_ == 0 ? 0 : elements / batch_;
  for (Tensor& values : tensors_) {
    if (values.shape() != batch_shape) values = expanded(values, batch_shape);
  }
}

double BatchedParameters::at(std::size_t index, std::uint64_t b) const {
  return visit_dtype(dtype_, [&]<class T>(T) -> double {
    const T value = values<T>(index)[b];
    if constexpr (std::is_arithmetic_v<T>) {
      return static_cast<double>(value);
    } else {
      return value.to_float();
    }
  });
}

}  // namespace counterpoint::inline v1
