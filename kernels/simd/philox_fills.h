// The vector paths of Philox fills, one function a file; each runs on the best instruction set
// there is.
//
//   if (fill.distribution == Distribution::uniform) path = fill_philox_uniform(fill);
//   // path: the name of the instruction set that ran, "AVX3", "AVX2", "SSE4", ...
//   const char* ran = fill_philox(fill);   // any distribution; "scalar" for a few elements
//   // All give the bits of fill_philox_scalar.
//
// Internal. Thread-safety: pure.
#pragma once

#include "counterpoint/kernels/stream_definition.h"

namespace counterpoint::inline v1::kernels {

const char* fill_philox(const Fill& fill);

const char* fill_philox_integers(const Fill& fill);
const char* fill_philox_uniform(const Fill& fill);  // f32, f64
const char* fill_philox_normal(const Fill& fill);   // f32
const char* fill_philox_normal_f64(const Fill& fill);
const char* fill_philox_truncated(const Fill& fill);  // f32, f64
const char* fill_philox_half(const Fill& fill);       // f16, bf16 of any distribution

}  // namespace counterpoint::inline v1::kernels
