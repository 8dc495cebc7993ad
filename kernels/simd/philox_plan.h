// What Philox's vector code needs of a key and a counter, computed once a fill.
//
//   const PhiloxKeys keys(fill.key);
//   PhiloxSegment segment(keys, counter);   // blocks counter, counter + 1, ... while c1 stays
//   PhiloxHigh high(keys, counter.high);    // any blocks whose upper counter half is the same
//
// Most of the first three rounds is the same for all blocks of a fill, since only the lowest
// counter word varies; its constants are here. Internal; values.
#pragma once

#include <cstdint>

#include "counterpoint/kernels/philox.h"

namespace counterpoint::inline v1::kernels {

// Round keys, one 32-bit word in each 64-bit entry.
struct PhiloxKeys {
  explicit PhiloxKeys(std::uint64_t key) {
    std::uint32_t k0 = low_word(key);
    std::uint32_t k1 = high_word(key);
    for (int i = 0; i < kPhiloxRounds; ++i) {
      first[i] = k0;
      second[i] = k1;
      k0 += kPhiloxKeyStep0;
      k1 += kPhiloxKeyStep1;
    }
  }

  std::uint64_t first[kPhiloxRounds];
  std::uint64_t second[kPhiloxRounds];
};

// Constants of rounds 1 to 3 where c1, c2 and c3 are fixed and c0 varies.
struct PhiloxSegment {
  PhiloxSegment(const PhiloxKeys& keys, Counter counter) {
    const std::uint64_t c1 = high_word(counter.low);
    const std::uint64_t c2 = low_word(counter.high);
    const std::uint64_t c3 = high_word(counter.high);
    const std::uint64_t q1 = kPhiloxMultiplier1 * c2;
    const std::uint64_t a1 = (q1 >> 32) ^ c1 ^ keys.first[0];
    c_round1 = c3 ^ keys.second[0];
    const std::uint64_t p2 = kPhiloxMultiplier0 * a1;
    a_round2 = low_word(q1) ^ keys.first[1];
    c_round2 = (p2 >> 32) ^ keys.second[1];
    c_round3 = low_word(p2) ^ keys.second[2];
  }

  std::uint64_t c_round1;
  std::uint64_t a_round2;
  std::uint64_t c_round2;
  std::uint64_t c_round3;
};

// Constants of rounds 1 and 2 where c2 and c3 are fixed and c0, c1 vary.
struct PhiloxHigh {
  PhiloxHigh(const PhiloxKeys& keys, std::uint64_t high) {
    const std::uint64_t q1 = kPhiloxMultiplier1 * std::uint64_t{low_word(high)};
    a_round1 = (q1 >> 32) ^ keys.first[0];
    c_round1 = high_word(high) ^ keys.second[0];
    a_round2 = low_word(q1) ^ keys.first[1];
  }

  std::uint64_t a_round1;
  std::uint64_t c_round1;
  std::uint64_t a_round2;
};

}  // namespace counterpoint::inline v1::kernels
