// A SHA-256 tree of two levels: each leaf of 1 MiB by itself, then all leaf digests together.
// Leaves are independent, so that they are hashed on several threads.
//
//   Digest digest = digest_tree(prefix, bytes);   // SHA-256(prefix, SHA-256(leaf 0), ...)
//
// Thread-safety: pure. Determinism: the same for any number of threads.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace counterpoint::inline v1::checkpoint_internal {

using Digest = std::array<std::byte, 32>;

Digest sha256(std::span<const std::byte> bytes);

// `prefix` is hashed in front of the leaf digests; `bytes` is cut into leaves.
Digest digest_tree(std::span<const std::byte> prefix, std::span<const std::byte> bytes);

}  // namespace counterpoint::inline v1::checkpoint_internal
