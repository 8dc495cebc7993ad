#include "counterpoint/runtime/internal/fingerprint.h"

#include <algorithm>
#include <cstring>

#include "counterpoint/runtime/call_record.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace counterpoint::inline v1 {

void Fingerprint::add_block(std::size_t offset, const std::byte* block, std::size_t size) noexcept {
  // Mixed with its place: blocks that change places are another whole.
  sum_ += mix_digest(XXH3_64bits(block, size), offset / block_bytes);
  size_ += size;
}

void Fingerprint::add(std::size_t offset, std::span<const std::byte> part) noexcept {
  for (std::size_t at = 0; at < part.size(); at += block_bytes) {
    add_block(offset + at, part.data() + at, std::min(block_bytes, part.size() - at));
  }
}

void Fingerprint::copy(std::size_t offset, std::span<const std::byte> part,
                       std::byte* to) noexcept {
  for (std::size_t at = 0; at < part.size(); at += block_bytes) {
    const std::size_t size = std::min(block_bytes, part.size() - at);
    std::memcpy(to + at, part.data() + at, size);
    // Of the copy, which is in the nearest cache.
    add_block(offset + at, to + at, size);
  }
}

void Fingerprint::merge(const Fingerprint& other) noexcept {
  sum_ += other.sum_;
  size_ += other.size_;
}

std::uint64_t Fingerprint::value() const noexcept { return mix_digest(sum_, size_); }

std::uint64_t fingerprint_of(std::span<const std::byte> bytes) noexcept {
  Fingerprint whole;
  whole.add(0, bytes);
  return whole.value();
}

}  // namespace counterpoint::inline v1
