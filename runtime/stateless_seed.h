// The seed of a stateless function: exactly two integers, of type i32 or i64.
//
//   cp::StatelessSeed seed{1, 2};                              // i32, as a list of small integers
//   cp::StatelessSeed of_step = cp::fold_in(seed, step);       // another for every step
//   for (const cp::StatelessSeed& s : cp::split(seed, 3)) ...
//   cp::StatelessSeed read(tensor);                            // i32 or i64 of shape [2]
//
// The type matters to `split` only: children have their parent's. Philox hashes the seed to a key
// and a counter; ThreeFry takes the low halves of the two integers as its key, unhashed.
// Thread-safety: values. Determinism: the same everywhere.
// Source: docs/streams.md sections 3 and 16; tf.random.fold_in, tf.random.split.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "counterpoint/runtime/algorithm.h"
#include "counterpoint/runtime/tensor.h"

namespace counterpoint::inline v1 {

namespace detail {
template <class T>
inline constexpr bool fits_i32 = std::numeric_limits<T>::digits <= 31;
// Errors: invalid_argument beyond i64.
COUNTERPOINT_PUBLIC void check_foldable(std::uint64_t data);
}  // namespace detail

class COUNTERPOINT_PUBLIC StatelessSeed {
 public:
  // i64 if one of the two does not fit i32 by its type; u64 wraps.
  template <std::integral A, std::integral B>
  StatelessSeed(A first, B second)
      : words_{static_cast<std::int64_t>(first), static_cast<std::int64_t>(second)},
        dtype_(detail::fits_i32<A> && detail::fits_i32<B> ? DType::i32 : DType::i64) {}

  // From a span, vector or array of i32 or i64. Errors: invalid_argument unless there are two.
  explicit StatelessSeed(std::span<const std::int32_t> entries);
  explicit StatelessSeed(std::span<const std::int64_t> entries);
  // Errors: invalid_argument unless it is an i32 or i64 of shape [2].
  explicit StatelessSeed(const Tensor& seed);

  std::int64_t operator[](std::size_t index) const { return words_[index]; }
  const std::array<std::int64_t, 2>& words() const noexcept { return words_; }
  // i32 or i64.
  DType dtype() const noexcept { return dtype_; }
  // Of shape [2].
  Tensor tensor() const;
  // "[1, 2]"
  std::string to_string() const;

  friend bool operator==(const StatelessSeed&, const StatelessSeed&) = default;

 private:
  std::array<std::int64_t, 2> words_;
  DType dtype_;
};

// A seed for `data` (a step, a replica id) under `seed`: one integer of data's type drawn from the
// seed, then data. An i32 and an i64 of equal value give different seeds, as in TensorFlow.
//
// Any integer, but no bool: one of a type that fits i32 is an i32, as a small int of Python is to
// TensorFlow; others, std::size_t too, are an i64 whatever their value: write std::int32_t{7} for what
// Python's 7 gives. Errors: invalid_argument for a value beyond i64, where TensorFlow has no seed either
// (it folds a uint64 to a pair of uint64, which none of its functions takes).
COUNTERPOINT_PUBLIC StatelessSeed fold_in(const StatelessSeed& seed, std::int32_t data,
                                          const AlgorithmName& algorithm = Algorithm::auto_select);
COUNTERPOINT_PUBLIC StatelessSeed fold_in(const StatelessSeed& seed, std::int64_t data,
                                          const AlgorithmName& algorithm = Algorithm::auto_select);
template <std::integral T>
StatelessSeed fold_in(const StatelessSeed& seed, T data,
                      const AlgorithmName& algorithm = Algorithm::auto_select) {
  if constexpr (detail::fits_i32<T>) {
    return fold_in(seed, static_cast<std::int32_t>(data), algorithm);
  } else {
    if constexpr (std::is_unsigned_v<T>) {
      detail::check_foldable(static_cast<std::uint64_t>(data));
    }
    return fold_in(seed, static_cast<std::int64_t>(data), algorithm);
  }
}
StatelessSeed fold_in(const StatelessSeed& seed, bool data,
                      const AlgorithmName& algorithm = Algorithm::auto_select) = delete;
// Errors: invalid_argument unless data is one i32 or i64.
COUNTERPOINT_PUBLIC StatelessSeed fold_in(const StatelessSeed& seed, const Tensor& data,
                                          const AlgorithmName& algorithm = Algorithm::auto_select);

// `count` seeds of the seed's type. Errors: invalid_argument for a negative count.
COUNTERPOINT_PUBLIC std::vector<StatelessSeed> split(
    const StatelessSeed& seed, std::int64_t count = 2,
    const AlgorithmName& algorithm = Algorithm::auto_select);

}  // namespace counterpoint::inline v1
