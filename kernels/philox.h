// Philox4x32-10: one block of four random words from a 128-bit counter and a 64-bit key.
//
//   std::array<std::uint32_t, 4> words = philox_block({.low = 1, .high = 0}, /*key=*/6);
//   std::uint64_t first_u64 = join_words(words[0], words[1]);
//   // The stream at counter c is the blocks c, c + 1, c + 2, ...
//   auto next = philox_block(Counter{1, 0} + 1, 6);
//
// Thread-safety: pure. Determinism: integers, the same everywhere.
// Source: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
#pragma once

#include <array>
#include <cstdint>

#include "counterpoint/kernels/counter.h"

namespace counterpoint::inline v1::kernels {

inline constexpr std::uint32_t kPhiloxMultiplier0 = 0xD2511F53u;
inline constexpr std::uint32_t kPhiloxMultiplier1 = 0xCD9E8D57u;
inline constexpr std::uint32_t kPhiloxKeyStep0 = 0x9E3779B9u;
inline constexpr std::uint32_t kPhiloxKeyStep1 = 0xBB67AE85u;
inline constexpr int kPhiloxRounds = 10;

constexpr std::uint32_t low_word(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
constexpr std::uint32_t high_word(std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); }

// The u64 whose little-endian words are `low`, `high`.
constexpr std::uint64_t join_words(std::uint32_t low, std::uint32_t high) {
  return static_cast<std::uint64_t>(high) << 32 | low;
}

using PhiloxWords = std::array<std::uint32_t, 4>;

constexpr PhiloxWords philox_block(Counter counter, std::uint64_t key) {
  std::uint32_t c0 = low_word(counter.low);
  std::uint32_t c1 = high_word(counter.low);
  std::uint32_t c2 = low_word(counter.high);
  std::uint32_t c3 = high_word(counter.high);
  std::uint32_t k0 = low_word(key);
  std::uint32_t k1 = high_word(key);
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const std::uint64_t p = static_cast<std::uint64_t>(kPhiloxMultiplier0) * c0;
    const std::uint64_t q = static_cast<std::uint64_t>(kPhiloxMultiplier1) * c2;
    c0 = high_word(q) ^ c1 ^ k0;
    c1 = low_word(q);
    c2 = high_word(p) ^ c3 ^ k1;
    c3 = low_word(p);
    k0 += kPhiloxKeyStep0;
    k1 += kPhiloxKeyStep1;
  }
  return {c0, c1, c2, c3};
}

// Where group `group` of `group_size` truncated normals starts: 64 blocks an element on. The
// product may pass 2^64.
constexpr Counter truncated_group_counter(Counter counter, std::uint64_t group,
                                          std::uint64_t group_size) {
  const std::uint64_t step = 64 * group_size;  // 256 or 128
  Counter start = counter + group * step;
  start.high += step == 256 ? group >> 56 : group >> 57;
  return start;
}

}  // namespace counterpoint::inline v1::kernels
