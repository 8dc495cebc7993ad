// The scalar reference of ThreeFry fills, element by element.
//
//   fill_threefry_scalar(fill);         // any slice; fill.shape decides the layout
//
// Internal. Thread-safety: pure. Source: docs/streams.md sections 2 and 17.
#pragma once

#include "counterpoint/kernels/internal/ieee_arithmetic.h"
#include "counterpoint/kernels/stream_definition.h"

namespace counterpoint::inline v1::kernels {

void fill_threefry_scalar(const Fill& fill);

}  // namespace counterpoint::inline v1::kernels
