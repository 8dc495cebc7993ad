// A block counter: 128 bits, of which ThreeFry uses the low 64.
//
//   Counter c{.low = 1, .high = 0};
//   Counter next = c + 1;                         // exact 128-bit addition: block 1 of a stream at
//   c Counter moved = advance_as_tensorflow(c, n);  // how a draw moves a Philox state
//
// Source: spec section 4 (docs/streams.md).
#pragma once

#include <cstdint>

namespace counterpoint::inline v1::kernels {

struct Counter {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  friend constexpr bool operator==(const Counter&, const Counter&) = default;

  // The counter `blocks` steps on, modulo 2^128.
  friend constexpr Counter operator+(Counter counter, std::uint64_t blocks) {
    const std::uint64_t sum = counter.low + blocks;
    return {sum, counter.high + (sum < blocks ? 1u : 0u)};
  }
};

// The counter `blocks` on as TensorFlow moves it, in 32-bit limbs. It equals counter + blocks but
// for increments of 2^64 - 2^32 and above (negative skips), where TensorFlow loses one carry.
constexpr Counter advance_as_tensorflow(Counter counter, std::uint64_t blocks) {
  const auto low_limb = static_cast<std::uint32_t>(blocks);
  auto high_limb = static_cast<std::uint32_t>(blocks >> 32);
  const auto c0 = static_cast<std::uint32_t>(counter.low) + low_limb;
  if (c0 < low_limb) ++high_limb;
  const auto c1 = static_cast<std::uint32_t>(counter.low >> 32) + high_limb;
  const std::uint64_t carry = c1 < high_limb ? 1 : 0;
  return {static_cast<std::uint64_t>(c1) << 32 | c0, counter.high + carry};
}

}  // namespace counterpoint::inline v1::kernels
