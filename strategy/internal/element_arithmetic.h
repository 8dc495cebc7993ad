// Arithmetic on elements of any type, as the strategy's variables and means need it.
//
//   add_elements(value, gradient, /*subtract=*/true);
//   divide_elements(sums, num_replicas);
//
// f16 and bf16 are computed in f32 and rounded; integers wrap. Thread-safety: pure.
#pragma once

#include "counterpoint/runtime/communicator.h"

namespace counterpoint::inline v1 {

// values[i] += or -= operand[i]; both have the same type and count.
void add_elements(const Buffer& values, const ConstBuffer& operand, bool subtract);

// values[i] /= divisor, rounded once, for floats.
void divide_elements(const Buffer& values, int divisor);

}  // namespace counterpoint::inline v1
