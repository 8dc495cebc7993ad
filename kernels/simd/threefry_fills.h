// The vector paths of ThreeFry fills, one function a file; each runs on the best instruction set
// there is.
//
//   const char* ran = fill_threefry(fill);   // any fill; "scalar" for a few elements
//   // All give the bits of fill_threefry_scalar.
//
// Every shape has a vector path. Where words or normals are wanted in the order they are made in
// (ThreefryPairs::in_order), they are; other layouts cost the copying of their rows.
//
// Internal. Thread-safety: pure.
#pragma once

#include "counterpoint/kernels/stream_definition.h"

namespace counterpoint::inline v1::kernels {

const char* fill_threefry(const Fill& fill);

const char* fill_threefry_normals(const Fill& fill);
const char* fill_threefry_words(const Fill& fill);  // integers, uniforms, truncated normals

}  // namespace counterpoint::inline v1::kernels
