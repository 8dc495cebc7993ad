// Private: a fast digest of bytes, for comparing what ranks hold. Not for files, nor against anyone
// who means harm.
//
//   if (fingerprint_of(mine.bytes()) != theirs) ...
//
// Bytes that differ within one aligned group of eight have different fingerprints, always. Where they
// differ in more, equal ones are as likely as chance, 1 in 2^64, though not for bytes chosen to be so:
// differences of few bits, as of signs, do not cancel each other.
// Determinism: equal bytes, equal fingerprints, on every rank. Thread-safety: a pure function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "counterpoint/kernels/export.h"

namespace counterpoint::inline v1 {

COUNTERPOINT_PUBLIC std::uint64_t fingerprint_of(std::span<const std::byte> bytes) noexcept;

}  // namespace counterpoint::inline v1
