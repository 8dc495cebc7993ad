// Private: a fast digest of bytes, for comparing what ranks hold. Not for files, nor against anyone
// who means harm.
//
//   if (fingerprint_of(mine.bytes()) != theirs) ...
//   Fingerprint both;                       // or in parts, while they are copied
//   both.copy(0, mine.bytes(), copy);
//   if (both.value() != theirs) ...
//
// Bytes that differ have equal fingerprints as likely as by chance, 1 in 2^64, though not if they were
// chosen to: differences of few bits, as of signs, do not cancel each other.
// Determinism: equal bytes, equal fingerprints, on every rank, in one part or many. Thread-safety: as
// an integer; parts may be summed by threads of their own.
// Source: XXH3 (https://xxhash.com) of blocks, summed with their places, so that threads can share the work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "counterpoint/kernels/export.h"

namespace counterpoint::inline v1 {

class COUNTERPOINT_PUBLIC Fingerprint {
 public:
  static constexpr std::size_t block_bytes = 1024;

  // A part of the whole that stands at `offset`, a multiple of block_bytes, and ends at another or
  // with the whole. Each byte is added once, in any order.
  void add(std::size_t offset, std::span<const std::byte> part) noexcept;
  // Likewise, and copies the part to `to`, which costs hardly more than the copy alone.
  void copy(std::size_t offset, std::span<const std::byte> part, std::byte* to) noexcept;
  // Adds what another has summed, of other parts.
  void merge(const Fingerprint& other) noexcept;

  std::uint64_t value() const noexcept;

 private:
  void add_block(std::size_t offset, const std::byte* block, std::size_t size) noexcept;

  std::uint64_t sum_ = 0;
  std::uint64_t size_ = 0;
};

COUNTERPOINT_PUBLIC std::uint64_t fingerprint_of(std::span<const std::byte> bytes) noexcept;

}  // namespace counterpoint::inline v1
