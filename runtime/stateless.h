// Stateless functions: pure functions of a seed of two integers, as TensorFlow's.
//
//   std::vector<std::int64_t> order = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
//   cp::stateless_shuffle(std::span(order), {1, 2});  // 0 3 8 1 5 4 9 7 6 2
//
// Thread-safety: pure. Determinism: the same on every machine. Source: docs/streams.md section 16.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>

#include "counterpoint/kernels/stream_definition.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/runtime/tensor.h"

namespace counterpoint::inline v1 {

using StatelessSeed = std::array<std::int64_t, 2>;

// Where the shuffle of `count` items swaps: at each call the offset from i of i's partner, for i =
// 0, 1, ..., count - 2. Made by `shuffle_offsets`.
class COUNTERPOINT_PUBLIC ShuffleOffsets {
 public:
  ShuffleOffsets(std::uint64_t count, StatelessSeed seed);
  std::uint64_t next();

 private:
  void refill();

  std::uint64_t key_ = 0;
  kernels::Counter counter_;
  std::uint64_t count_;
  std::uint64_t drawn_ = 0;
  std::array<std::uint32_t, 256> words_{};
};

// The items of `value` along axis 0 in a random order; a scalar is invalid_argument.
COUNTERPOINT_PUBLIC Tensor stateless_shuffle(const Tensor& value, StatelessSeed seed);

// Shuffles `items` in place. At most 2^32 items: invalid_argument beyond.
template <class T>
void stateless_shuffle(std::span<T> items, StatelessSeed seed) {
  ShuffleOffsets offsets(items.size(), seed);
  for (std::size_t i = 0; i + 1 < items.size(); ++i) {
    std::swap(items[i], items[i + static_cast<std::size_t>(offsets.next())]);
  }
}

}  // namespace counterpoint::inline v1
