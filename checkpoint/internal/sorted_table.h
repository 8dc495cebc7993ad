// The entries of a LevelDB table, which is what TensorFlow's index files are. Untrusted input: all
// is checked, checksums included.
//
//   for (const auto& [key, value] : read_sorted_table(bytes)) ...
//
// Thread-safety: pure. Source: LevelDB's table_format.md.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace counterpoint::inline v1::checkpoint_internal {

// Errors: Malformed; Error unimplemented for compressed blocks.
std::map<std::string, std::string> read_sorted_table(std::span<const std::byte> file);

// CRC-32C, masked as LevelDB and TensorFlow store it.
std::uint32_t masked_crc32c(std::span<const std::byte> bytes);

}  // namespace counterpoint::inline v1::checkpoint_internal
