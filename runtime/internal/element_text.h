// Private: one element of a tensor as text that tells it from every other: of a NaN, of which there are
// many, with its bits.
//
//   message = "is " + element_to_string(DType::f32, tensor.bytes().subspan(4 * i, 4));   // "is 0.5"
//
// Thread-safety: a pure function.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "counterpoint/kernels/dtype.h"
#include "counterpoint/kernels/export.h"

namespace counterpoint::inline v1 {

// `element` is dtype_size(dtype) bytes, of any alignment.
COUNTERPOINT_PUBLIC std::string element_to_string(DType dtype, std::span<const std::byte> element);

}  // namespace counterpoint::inline v1
