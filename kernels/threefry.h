// ThreeFry2x32-20: one block of two random words from a 64-bit counter and a 64-bit key.
//
//   ThreefryWords words = threefry_block(/*counter=*/7, /*key=*/(2ull << 32) | 1);
//   std::uint64_t element = join_words(words[0], words[1]);
//   ThreefryLayout layout(shape);          // XLA: which word of which block is which element
//   auto [block, word] = layout.place(5);
//
// Thread-safety: pure. Determinism: integers, the same everywhere.
// Source: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011; docs/streams.md
// section 2 for XLA's layouts.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>

#include "counterpoint/kernels/philox.h"

namespace counterpoint::inline v1::kernels {

using ThreefryWords = std::array<std::uint32_t, 2>;

inline constexpr std::uint32_t kThreefryParity = 0x1BD11BDAu;
inline constexpr int kThreefryRotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};

constexpr ThreefryWords threefry_block(std::uint64_t counter, std::uint64_t key) {
  const std::uint32_t k[3] = {low_word(key), high_word(key),
                              low_word(key) ^ high_word(key) ^ kThreefryParity};
  std::uint32_t x0 = low_word(counter) + k[0];
  std::uint32_t x1 = high_word(counter) + k[1];
  for (std::uint32_t group = 0; group < 5; ++group) {
    for (const int rotation : kThreefryRotations[group % 2]) {
      x0 += x1;
      x1 = std::rotl(x1, rotation) ^ x0;
    }
    x0 += k[(group + 1) % 3];
    x1 += k[(group + 2) % 3] + group + 1;
  }
  return {x0, x1};
}

// How XLA lays the words of an array of 32-bit elements out. Along one axis, the split axis, pairs
// of neighbours share a block: its first even axis, else its longest (the first of equals).
class ThreefryLayout {
 public:
  constexpr explicit ThreefryLayout(std::span<const std::int64_t> shape) {
    std::size_t split = shape.size();
    for (std::size_t axis = 0; axis < shape.size() && split == shape.size(); ++axis) {
      if (shape[axis] % 2 == 0) split = axis;
    }
    if (split == shape.size()) {
      for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        if (split == shape.size() || shape[axis] > shape[split]) split = axis;
      }
    }
    if (split < shape.size()) length = static_cast<std::uint64_t>(shape[split]);
    for (std::size_t axis = split + 1; axis < shape.size(); ++axis) {
      inner *= static_cast<std::uint64_t>(shape[axis]);
    }
    half = (length + 1) / 2;
  }

  struct Position {
    std::uint64_t outer;  // index over the axes before the split axis
    std::uint64_t along;  // coordinate on it
    std::uint64_t inner;  // index over the axes after it
  };
  constexpr Position position(std::uint64_t element) const {
    const std::uint64_t row = element / inner;
    return {row / length, row % length, element % inner};
  }

  struct Place {
    std::uint64_t block;  // counter steps from the draw's counter
    std::uint64_t word;
  };
  constexpr Place place(std::uint64_t element) const {
    const Position p = position(element);
    return {(p.outer * half + p.along / 2) * inner + p.inner, p.along % 2};
  }

  // Whether elements 2 i and 2 i + 1 are the two words of block i, throughout.
  constexpr bool pairs_in_order(std::uint64_t total_elements) const {
    return inner == 1 && (length % 2 == 0 || total_elements == length);
  }

  std::uint64_t length = 1;  // of the split axis
  std::uint64_t half = 1;    // of it, rounded up
  std::uint64_t inner = 1;   // elements of the axes after it
};

}  // namespace counterpoint::inline v1::kernels
