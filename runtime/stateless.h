// Stateless functions: pure functions of a seed of two integers, as TensorFlow's
// tf.random.stateless_*.
//
//   cp::Tensor z = cp::stateless_normal<float>({2, 3}, {1, 2});     // 0.5441101, 0.20738031, ...
//   cp::Tensor k = cp::stateless_uniform<int>({8}, cp::fold_in({1, 2}, step), 0, 10);
//   cp::fill_stateless_uniform(std::span(buffer), {1, 2}, -1.0, 1.0);
//   cp::stateless_shuffle(std::span(order), {1, 2});
//
// The same seed and shape give the same numbers at each call: fold in a step, or split the seed,
// for others. `auto_select` is Philox on every device, so that the bits are the same everywhere.
// What TensorFlow does not define for ThreeFry (binomial, shuffle, and stateless_samplers.h) is
// invalid_argument.
//
// Shapes of any rank; a shape with a 0 gives an empty tensor. Parameters broadcast as a
// Generator's, and every type and condition is as there. Nothing is remembered, so stateless draws
// of replicas differ only if their seeds do.
// Thread-safety: pure. Determinism: as Generator's draws. Errors: invalid_argument for shapes,
// types, parameters and seeds; resource_exhausted without memory. In a traced function they draw at
// once, as a constant. Source: docs/streams.md sections 3, 6 to 11, 16 and 17.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>

#include "counterpoint/runtime/fill_target.h"
#include "counterpoint/runtime/parameter.h"
#include "counterpoint/runtime/stateless_samplers.h"  // IWYU pragma: export
#include "counterpoint/runtime/stateless_seed.h"      // IWYU pragma: export
#include "counterpoint/runtime/tensor.h"

namespace counterpoint::inline v1 {

// f16, bf16, f32, f64: T(T(z * stddev) + mean), ThreeFry's rounded once.
COUNTERPOINT_PUBLIC Tensor stateless_normal(
    const Shape& shape, const StatelessSeed& seed, const Parameter& mean, const Parameter& stddev,
    DType dtype, const AlgorithmName& algorithm = Algorithm::auto_select);
// The same of normals redrawn until |z| < 2. ThreeFry's, by inversion, are f32 only.
COUNTERPOINT_PUBLIC Tensor stateless_truncated_normal(
    const Shape& shape, const StatelessSeed& seed, const Parameter& mean, const Parameter& stddev,
    DType dtype, const AlgorithmName& algorithm = Algorithm::auto_select);
// Floats in [minval, maxval), where rounding may give maxval; integers in [minval, maxval), with
// TensorFlow's small bias. Errors: also invalid_argument for an empty range of integers.
COUNTERPOINT_PUBLIC Tensor stateless_uniform(
    const Shape& shape, const StatelessSeed& seed, const Parameter& minval, const Parameter& maxval,
    DType dtype, const AlgorithmName& algorithm = Algorithm::auto_select);
// Every value of i32, i64, u32 or u64.
COUNTERPOINT_PUBLIC Tensor
stateless_uniform_full_int(const Shape& shape, const StatelessSeed& seed, DType dtype,
                           const AlgorithmName& algorithm = Algorithm::auto_select);
// Successes in `counts` trials of probability `probs`; `shape` must end with the parameters'
// broadcast shape. Philox only. Numbers become f32, as in TensorFlow, unless the other parameter is a
// tensor of another type. Errors: also invalid_argument for a count that changes by that, such as
// 16777217, and for a count or probability that becomes infinite or 0: pass a tensor of f64. TensorFlow's
// formula decides in f64 by terms of size counts * 2^-53: up to counts of 1e14 400,000 draws cannot be told
// from a binomial's, at 1e15 they can (the largest difference of the distribution functions is 0.25 %), at
// 1e16 0.5 to 0.9 %, and at 1e17 the variance is 12 % off.
COUNTERPOINT_PUBLIC Tensor stateless_binomial(
    const Shape& shape, const StatelessSeed& seed, const Parameter& counts, const Parameter& probs,
    DType dtype = DType::i32, const AlgorithmName& algorithm = Algorithm::auto_select);

template <Element T>
Tensor stateless_normal(const Shape& shape, const StatelessSeed& seed, const Parameter& mean = 0.0,
                        const Parameter& stddev = 1.0,
                        const AlgorithmName& algorithm = Algorithm::auto_select) {
  return stateless_normal(shape, seed, mean, stddev, dtype_of<T>, algorithm);
}
template <Element T>
Tensor stateless_truncated_normal(const Shape& shape, const StatelessSeed& seed,
                                  const Parameter& mean = 0.0, const Parameter& stddev = 1.0,
                                  const AlgorithmName& algorithm = Algorithm::auto_select) {
  return stateless_truncated_normal(shape, seed, mean, stddev, dtype_of<T>, algorithm);
}
template <Element T>
  requires(is_floating(dtype_of<T>))
Tensor stateless_uniform(const Shape& shape, const StatelessSeed& seed,
                         const Parameter& minval = 0.0, const Parameter& maxval = 1.0,
                         const AlgorithmName& algorithm = Algorithm::auto_select) {
  return stateless_uniform(shape, seed, minval, maxval, dtype_of<T>, algorithm);
}
template <Element T>
  requires(!is_floating(dtype_of<T>))
Tensor stateless_uniform(const Shape& shape, const StatelessSeed& seed, const Parameter& minval,
                         const Parameter& maxval,
                         const AlgorithmName& algorithm = Algorithm::auto_select) {
  return stateless_uniform(shape, seed, minval, maxval, dtype_of<T>, algorithm);
}
template <Element T>
Tensor stateless_uniform_full_int(const Shape& shape, const StatelessSeed& seed,
                                  const AlgorithmName& algorithm = Algorithm::auto_select) {
  return stateless_uniform_full_int(shape, seed, dtype_of<T>, algorithm);
}
template <Element T>
Tensor stateless_binomial(const Shape& shape, const StatelessSeed& seed, const Parameter& counts,
                          const Parameter& probs,
                          const AlgorithmName& algorithm = Algorithm::auto_select) {
  return stateless_binomial(shape, seed, counts, probs, dtype_of<T>, algorithm);
}

// ---- filling a caller's array -------------------------------------------------------------------
// The same numbers, without an allocation where parameters are scalars. `shape` is the logical
// shape, one dimension by default; with parameters that broadcast, the array holds the broadcast
// result. Errors: also invalid_argument if the array has another number of elements.

COUNTERPOINT_PUBLIC void fill_stateless_normal(
    const FillTarget& out, const StatelessSeed& seed, const Parameter& mean = 0.0,
    const Parameter& stddev = 1.0, ShapeView shape = {},
    const AlgorithmName& algorithm = Algorithm::auto_select);
COUNTERPOINT_PUBLIC void fill_stateless_truncated_normal(
    const FillTarget& out, const StatelessSeed& seed, const Parameter& mean = 0.0,
    const Parameter& stddev = 1.0, ShapeView shape = {},
    const AlgorithmName& algorithm = Algorithm::auto_select);
COUNTERPOINT_PUBLIC void fill_stateless_uniform(
    const FillTarget& out, const StatelessSeed& seed, const Parameter& minval,
    const Parameter& maxval, ShapeView shape = {},
    const AlgorithmName& algorithm = Algorithm::auto_select);
COUNTERPOINT_PUBLIC void fill_stateless_uniform_full_int(
    const FillTarget& out, const StatelessSeed& seed, ShapeView shape = {},
    const AlgorithmName& algorithm = Algorithm::auto_select);
COUNTERPOINT_PUBLIC void fill_stateless_binomial(
    const FillTarget& out, const StatelessSeed& seed, const Parameter& counts,
    const Parameter& probs, ShapeView shape = {},
    const AlgorithmName& algorithm = Algorithm::auto_select);

// ---- shuffling ----------------------------------------------------------------------------------

// Where the shuffle of `count` items swaps: at each call the offset from i of i's partner, for i =
// 0, 1, ..., count - 1; the last one's is 0.
class COUNTERPOINT_PUBLIC ShuffleOffsets {
 public:
  // Errors: invalid_argument for more than 2^32 items and for another algorithm than Philox.
  ShuffleOffsets(std::uint64_t count, const StatelessSeed& seed,
                 const AlgorithmName& algorithm = Algorithm::auto_select);
  // Errors: failed_precondition after `count` calls.
  std::uint64_t next();
  // Shuffles the `count` items. Errors: invalid_argument for another number of items and after a call of
  // next(); nothing is touched then.
  template <class T>
  void shuffle(std::span<T> items) {
    check_shuffles(items.size());
    for (std::size_t i = 0; i + 1 < items.size(); ++i) {
      std::swap(items[i], items[i + static_cast<std::size_t>(next())]);
    }
  }

 private:
  void check_shuffles(std::uint64_t items) const;
  void refill();

  const StreamDefinition& definition_;
  std::uint64_t key_ = 0;
  kernels::Counter counter_;
  std::uint64_t count_;
  std::uint64_t drawn_ = 0;
  std::array<std::uint32_t, 256> words_{};
};

// The items of `value` along axis 0 in a random order. Errors: invalid_argument for a scalar and for
// more than 2^32 items that are not empty, resource_exhausted without memory for 8 bytes an item.
COUNTERPOINT_PUBLIC Tensor
stateless_shuffle(const Tensor& value, const StatelessSeed& seed,
                  const AlgorithmName& algorithm = Algorithm::auto_select);

// Shuffles `items` in place. At most 2^32 items: invalid_argument beyond.
template <class T>
void stateless_shuffle(std::span<T> items, const StatelessSeed& seed,
                       const AlgorithmName& algorithm = Algorithm::auto_select) {
  ShuffleOffsets(items.size(), seed, algorithm).shuffle(items);
}

}  // namespace counterpoint::inline v1
