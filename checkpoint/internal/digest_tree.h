// A SHA-256 tree of two levels: each leaf of 1 MiB by itself, then all leaf digests together.
// Leaves are independent, so that they are hashed on several threads and while others are moved.
//
//   std::vector<Digest> leaves = leaf_digests(bytes);
//   Digest digest = top_digest(header, leaves);   // SHA-256(header, SHA-256(leaf 0), ...)
//
// Thread-safety: pure. Determinism: the same for any number of threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace counterpoint::inline v1::checkpoint_internal {

inline constexpr std::size_t leaf_bytes = std::size_t{1} << 20;

using Digest = std::array<std::byte, 32>;

Digest sha256(std::span<const std::byte> bytes);

// Where leaf `leaf` of `bytes` bytes begins and how long it is.
struct LeafRange {
  std::uint64_t offset;
  std::size_t size;
};
std::size_t leaf_count(std::uint64_t bytes);
LeafRange leaf_range(std::uint64_t bytes, std::size_t leaf);

std::vector<Digest> leaf_digests(std::span<const std::byte> bytes);

// `prefix` is hashed in front of the leaf digests.
Digest top_digest(std::span<const std::byte> prefix, std::span<const Digest> leaves);

}  // namespace counterpoint::inline v1::checkpoint_internal
