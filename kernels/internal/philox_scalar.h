// The scalar reference of Philox fills: every distribution and dtype, one block at a time.
//
//   Fill fill{.distribution = Distribution::normal, .dtype = DType::f32, ...};
//   fill_philox_scalar(fill);       // what every vector path must equal, bit for bit
//
// Internal. Thread-safety: pure. Determinism: the definition of the stream, spec sections 6 to 9.
#pragma once

#include "counterpoint/kernels/internal/ieee_arithmetic.h"
#include "counterpoint/kernels/stream_definition.h"

namespace counterpoint::inline v1::kernels {

void fill_philox_scalar(const Fill& fill);
// The same of one f32 normal, in the order that is done first: what draws of one value cost.
void fill_philox_one_normal(const Fill& fill);

}  // namespace counterpoint::inline v1::kernels
