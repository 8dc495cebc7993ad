// SHA-256 of two messages at once, on processors with instructions for it: those of one message
// wait for each other most of the time, so that two cost hardly more than one.
//
//   if (has_sha256_pair()) sha256_pair(a, b, digests);   // both of the same size, a multiple of 64
//
// Thread-safety: pure. Source: FIPS 180-4; instructions as Intel's manual describes them.
#pragma once

#include <cstddef>
#include <span>

#include "counterpoint/checkpoint/internal/digest_tree.h"

namespace counterpoint::inline v1::checkpoint_internal {

bool has_sha256_pair();

// Only where has_sha256_pair().
void sha256_pair(std::span<const std::byte> first, std::span<const std::byte> second,
                 std::span<Digest, 2> digests);

}  // namespace counterpoint::inline v1::checkpoint_internal
