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
#include <functional>
#include <span>
#include <vector>

namespace counterpoint::inline v1::checkpoint_internal {

inline constexpr std::size_t leaf_bytes = std::size_t{1} << 20;

using Digest = std::array<std::byte, 32>;

Digest sha256(std::span<const std::byte> bytes);

// Where leaves [begin, end) of `bytes` bytes begin and how long they are together.
struct LeafRange {
  std::uint64_t offset;
  std::size_t size;
};
std::size_t leaf_count(std::uint64_t bytes);
LeafRange leaf_range(std::uint64_t bytes, std::size_t begin, std::size_t end);

// Of consecutive leaves, of which only the last may be short. Two at a time are hashed faster.
// Errors, here and in all that hashes: internal.
void hash_leaves(std::span<const std::byte> bytes, std::span<Digest> digests);
// Of all leaves of a file's body, on several threads.
std::vector<Digest> leaf_digests(std::span<const std::byte> bytes);

// Calls work(begin, end, worker) for leaves two by two, or one where no more are left, on `workers`
// threads; as for_each_in_parallel() and worker_count() of parallel.h.
void for_each_pair_of_leaves(
    std::size_t leaves, std::size_t workers,
    const std::function<void(std::size_t begin, std::size_t end, std::size_t worker)>& work);
std::size_t worker_count_for_leaves(std::size_t leaves);

// `prefix` is hashed in front of the leaf digests.
Digest top_digest(std::span<const std::byte> prefix, std::span<const Digest> leaves);

}  // namespace counterpoint::inline v1::checkpoint_internal
