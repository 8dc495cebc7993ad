// SHA-256 of two messages at once, on processors with instructions for it: those of one message
// wait for each other most of the time, so that two cost hardly more than one.
//
//   Sha256Pair pair;                                       // only if has_sha256_pair()
//   while (more(a, b)) pair.update(a, b);                  // of the same size, a multiple of 64
//   const std::array<Digest, 2> digests = pair.finish();
//
// Thread-safety: values. Source: FIPS 180-4; instructions as Intel's manual describes them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "counterpoint/checkpoint/internal/digest_tree.h"

namespace counterpoint::inline v1::checkpoint_internal {

bool has_sha256_pair();

// Only where has_sha256_pair().
class Sha256Pair {
 public:
  // The next bytes of both messages, equally many: a multiple of 64.
  void update(std::span<const std::byte> first, std::span<const std::byte> second);
  // Of all bytes since the start, or the last finish().
  std::array<Digest, 2> finish();

 private:
  // Of each message, in the order that the instructions want: f e b a, h g d c.
  using Words = std::array<std::uint32_t, 8>;
  // Fractional parts of the square roots of the first 8 primes.
  static constexpr Words start_ = {0x9b05688c, 0x510e527f, 0xbb67ae85, 0x6a09e667,
                                   0x5be0cd19, 0x1f83d9ab, 0xa54ff53a, 0x3c6ef372};

  std::array<Words, 2> state_ = {start_, start_};
  std::uint64_t bytes_ = 0;
};

}  // namespace counterpoint::inline v1::checkpoint_internal
