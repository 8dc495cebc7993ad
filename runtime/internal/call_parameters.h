// Private: what the scalars of a call say, for messages in which two calls are told apart.
//
//   record.scalars = {tensor_scalar(means.dtype(), means.shape()), bits_of(1.0)};
//   parameters_to_string(Operation::all_reduce, DType::f32, {0, 0});   // "sum"
//
// Thread-safety: pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "counterpoint/kernels/dtype.h"
#include "counterpoint/runtime/call_record.h"
#include "counterpoint/runtime/tensor.h"

namespace counterpoint::inline v1 {

// A tensor parameter's type and shape, as a NaN that stands for no number.
std::uint64_t tensor_scalar(DType dtype, ShapeView shape) noexcept;

// "mean 0, stddev 1", "from rank 1", ...; empty where a call has no scalars.
COUNTERPOINT_PUBLIC std::string parameters_to_string(Operation operation, DType dtype,
                                                     const std::array<std::uint64_t, 2>& scalars);

}  // namespace counterpoint::inline v1
