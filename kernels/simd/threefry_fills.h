// The vector paths of ThreeFry fills.
//
//   const char* ran = fill_threefry(fill);   // any fill; "scalar" where no vector path applies
//
// Integers and f32 and f64 uniforms run in vectors where the words are wanted in their own order; normals,
// 16-bit floats and arrays split along another axis than their last run in scalar code.
//
// Internal. Thread-safety: pure. All give the bits of fill_threefry_scalar.
#pragma once

#include "counterpoint/kernels/stream_definition.h"

namespace counterpoint::inline v1::kernels {

const char* fill_threefry(const Fill& fill);

}  // namespace counterpoint::inline v1::kernels
