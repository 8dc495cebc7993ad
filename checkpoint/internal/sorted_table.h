// The entries of a LevelDB table, which is what TensorFlow's index files are. Untrusted input: all
// is checked, checksums included.
//
//   read_sorted_table(bytes, [&](const std::string& key, const ByteReader& value) { ... });
//
// Thread-safety: pure. Source: LevelDB's table_format.md.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "counterpoint/checkpoint/internal/byte_reader.h"

namespace counterpoint::inline v1::checkpoint_internal {

// Calls `visit` for each entry, in order; keys share their beginnings in the file, so that all of
// them may be far larger than it. Errors: Malformed, also for a key of more than 64 KiB; Error
// unimplemented for compressed blocks.
using TableVisitor = std::function<void(const std::string& key, const ByteReader& value)>;
void read_sorted_table(std::span<const std::byte> file, const TableVisitor& visit);

// CRC-32C, masked as LevelDB and TensorFlow store it.
std::uint32_t masked_crc32c(std::span<const std::byte> bytes);

}  // namespace counterpoint::inline v1::checkpoint_internal
