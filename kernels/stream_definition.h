// What an algorithm is: one table of constants and pure functions that all else is written against.
//
//   const StreamDefinition& philox = kernels::philox_stream();
//   std::vector<float> out(8);
//   philox.fill({.distribution = Distribution::normal, .dtype = DType::f32, .shape = shape,
//                .key = 6, .counter = {1, 0}, .output = out.data(), .count = 8});
//
// A fill writes any slice of a logical draw, so pieces, threads and devices are the same call.
//
// Thread-safety: everything here is pure. Determinism: integers, uniforms, normals and truncated
// normals are the same bits on every instruction set and in any pieces, in the default
// floating-point environment: rounding to nearest, subnormals kept (no FTZ or DAZ), which a fill
// neither checks nor sets. No allocation, no error: arguments were validated by the caller. Source:
// docs/streams.md.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "counterpoint/kernels/counter.h"
#include "counterpoint/kernels/dtype.h"
#include "counterpoint/kernels/export.h"
#include "counterpoint/kernels/sampler_fills.h"

namespace counterpoint::inline v1::kernels {

enum class Distribution : std::uint8_t {
  uniform_full_int,  // every value of an integer type
  uniform_int,       // low + x mod range, as TensorFlow (biased), in an integer type
  uniform,           // [0, 1) in a float type, then scaled
  normal,            // standard normal in a float type, then scaled
  truncated_normal,  // standard normal with |x| < 2, then scaled
};

// A slice of one logical draw.
struct Fill {
  Distribution distribution = Distribution::uniform_full_int;
  DType dtype = DType::u32;

  // Shape of the whole draw; elements are numbered row-major. Philox does not look at it,
  // ThreeFry's layout depends on it.
  std::span<const std::int64_t> shape = {};
  std::uint64_t first_element = 0;  // which element of the whole output[0] is

  std::uint64_t key = 0;
  Counter counter = {};  // of the whole draw's first block

  // Floats: output = T(T(x * scale) + offset), both exact values of T. Without `scaled`: x.
  bool scaled = false;
  double scale = 1;
  double offset = 0;

  // uniform_int: output = low + x mod range, unsigned at the type's width, wrapping; range > 0.
  std::uint64_t range = 1;
  std::uint64_t low = 0;

  void* output = nullptr;   // aligned for its type
  std::uint64_t count = 0;  // elements to write

  // Elements that are written together with these, as by other threads, if that is more than
  // `count`: decides whether the stores bypass the cache, and nothing else.
  std::uint64_t total_count = 0;
};

// A slice of one binomial draw. Parameters were broadcast: `batch` pairs of (count, probability),
// each with `samples` outputs; output offset s * batch + b holds sample s of pair b, and its stream
// is number b * samples + s. Counts and probabilities are of type `parameter_dtype` (f16, f32,
// f64).
struct BinomialFill {
  DType dtype = DType::f32;  // of the output: f16, f32, f64, i32, i64
  DType parameter_dtype = DType::f32;
  const void* counts = nullptr;
  const void* probabilities = nullptr;
  std::uint64_t batch = 0;
  std::uint64_t samples = 0;
  std::uint64_t key = 0;
  Counter counter = {};
  void* output = nullptr;           // of the whole draw
  std::uint64_t first_element = 0;  // slice of output to write, by offset
  std::uint64_t count = 0;
};

struct StreamDefinition {
  std::string_view name;  // as in TensorFlow and in checkpoints: "philox"
  int id = 0;             // TensorFlow's number: Philox 1, ThreeFry 2
  int counter_words = 0;  // 64-bit words of counter in a state; one word of key follows
  int words_per_block = 0;

  // The state `blocks` on, as TensorFlow moves it.
  Counter (*advance)(Counter counter, std::uint64_t blocks) = nullptr;
  // The key of a replica's stream.
  std::uint64_t (*derive_key)(std::uint64_t key, std::uint64_t replica_id) = nullptr;
  // Key and counter of a stateless draw.
  void (*scramble_seed)(const std::int64_t seed[2], std::uint64_t* key, Counter* counter) = nullptr;
  // Whether `fill` knows this pair.
  bool (*supports)(Distribution distribution, DType dtype) = nullptr;
  void (*fill)(const Fill& fill) = nullptr;
  // Null where TensorFlow defines no binomial for the algorithm.
  void (*fill_binomial)(const BinomialFill& fill) = nullptr;
  // The same of each of these.
  Samplers samplers = {};
  // Whether TensorFlow shuffles with it.
  bool shuffles = false;
  // Whether x * scale + offset is rounded once (and not after each operation).
  bool fused_scaling = false;

  int state_words() const { return counter_words + 1; }
};

// Philox4x32-10 as TensorFlow's CPU kernels use it.
COUNTERPOINT_PUBLIC const StreamDefinition& philox_stream();

// ThreeFry2x32-20 as XLA uses it on a CPU with fused multiply-adds: a fill must have the draw's
// shape. Integers, f32 uniforms and f32 normals are XLA's to the bit, f64 normals within 2 ULP,
// truncated normals (f32 only) within 3. f16 and bf16 follow the same rules, unchecked against XLA.
COUNTERPOINT_PUBLIC const StreamDefinition& threefry_stream();

}  // namespace counterpoint::inline v1::kernels
