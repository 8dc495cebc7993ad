// Slices of draws of the samplers that TensorFlow has for Philox only.
//
//   GammaFill fill{.draw = {.batch = 1, .samples = 8, .key = 6, .output = out.data(), .count = 8},
//                  .dtype = DType::f32, .alpha = &alpha, .beta = &beta};
//   definition.samplers.gamma(fill);
//
// Parameters were validated and broadcast against each other by the caller: those that are not
// finite or out of range may loop for ever. Nothing here allocates.
// Thread-safety: pure. Determinism: the same bits everywhere. Source: docs/streams.md sections 12
// to 15.
#pragma once

#include <cstdint>

#include "counterpoint/kernels/counter.h"
#include "counterpoint/kernels/dtype.h"

namespace counterpoint::inline v1::kernels {

// `batch` sets of parameters with `samples` outputs each. Output offset s * batch + b holds sample
// s of set b, and its stream is number b * samples + s, 256 blocks a stream.
struct BatchedDraw {
  std::uint64_t batch = 1;
  std::uint64_t samples = 0;
  std::uint64_t key = 0;
  Counter counter = {};
  void* output = nullptr;           // of the slice
  std::uint64_t first_element = 0;  // its offset in the whole
  std::uint64_t count = 0;          // its length
};

struct GammaFill {
  BatchedDraw draw;
  DType dtype = DType::f32;     // f16, f32, f64: of the output and the parameters
  const void* alpha = nullptr;  // shape, finite and above 0
  const void* beta = nullptr;   // rate, finite and above 0
};

struct PoissonFill {
  BatchedDraw draw;
  DType dtype = DType::f32;       // f16, f32, f64, i32, i64
  const double* rates = nullptr;  // no NaN, at most the type's largest value or infinite
};

// Rows [first_row, first_row + row_count) of `samples` outputs each.
struct CategoricalFill {
  DType dtype = DType::i64;         // i32, i64
  DType logits_dtype = DType::f32;  // any
  const void* logits = nullptr;     // of the whole: rows of `classes`
  std::uint64_t classes = 1;
  std::uint64_t samples = 0;
  std::uint64_t key = 0;
  Counter counter = {};
  void* output = nullptr;  // of the slice
  std::uint64_t first_row = 0;
  std::uint64_t row_count = 0;
  double* sums = nullptr;  // room for `classes` numbers
};

struct BoundedNormalParameters {
  double mean = 0;
  double stddev = 1;
  double minval = 0;
  double maxval = 1;
};

// One sequence of accepted candidates, so the whole is drawn: layout as BatchedDraw's.
struct BoundedNormalFill {
  DType dtype = DType::f32;  // f16, f32, f64: of the output
  // parameters(context, b) are those of set b, numbers of that type.
  BoundedNormalParameters (*parameters)(const void* context, std::uint64_t b) = nullptr;
  const void* context = nullptr;
  std::uint64_t batch = 1;
  std::uint64_t samples = 0;
  std::uint64_t key = 0;
  Counter counter = {};
  void* output = nullptr;
};

// Candidates that a bounded normal may refuse one after the other before it gives up.
inline constexpr int kMostRejections = 1000;

struct Samplers {
  void (*gamma)(const GammaFill& fill) = nullptr;
  void (*poisson)(const PoissonFill& fill) = nullptr;
  void (*categorical)(const CategoricalFill& fill) = nullptr;
  // False if a set of parameters had more than kMostRejections rejections in a row, with its number
  // in `failed_batch`; nothing was written then.
  bool (*bounded_normal)(const BoundedNormalFill& fill, std::uint64_t* failed_batch) = nullptr;
};

}  // namespace counterpoint::inline v1::kernels
