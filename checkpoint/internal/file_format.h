// What every checkpoint file keeps to: the header block in front of the HDF5 data, and the limits
// that a writer obeys and a reader checks. docs/format.md is the same in words.
//
//   const FileHeader header = sealed_header(file_bytes, leaf_digests(body));
//   check_header(path, header, size);             // throws unless it is ours, and all is there
//   check_digest(path, header, leaves);           // throws unless it is whole
//
// Thread-safety: pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "counterpoint/checkpoint/internal/digest_tree.h"

namespace counterpoint::inline v1::checkpoint_internal {

inline constexpr std::int64_t format_version = 1;
inline constexpr std::int64_t stream_version = 1;

inline constexpr std::size_t header_bytes = 512;

inline constexpr std::size_t max_name_bytes = 255;
inline constexpr std::size_t max_attribute_bytes = 1 << 20;
inline constexpr std::size_t max_entries = 1 << 16;  // values, members and attributes of a file
inline constexpr int max_depth = 16;
inline constexpr int max_rank = 32;  // as HDF5

// Attributes that carry the layout: an object's own may not have these names.
inline constexpr std::string_view type_attribute = "type";
inline constexpr std::string_view values_attribute = "values";
inline constexpr std::string_view members_attribute = "members";
inline constexpr std::string_view attributes_attribute = "attributes";
bool is_layout_attribute(std::string_view name);

// Why `name` cannot name an object, value, member or attribute; empty if it can.
std::string fault_of_name(std::string_view name);

// The header block as it lies in the file.
struct FileHeader {
  std::array<unsigned char, 8> magic;
  std::uint32_t format_version;
  std::uint32_t leaf_bytes;
  std::uint64_t file_bytes;
  Digest digest;  // of this block with the digest zero, then of the leaves of the rest
  std::array<std::byte, 456> zeros;
};
static_assert(sizeof(FileHeader) == header_bytes);

// Of a file of `file_bytes` bytes, this block included, whose rest has these leaf digests.
FileHeader sealed_header(std::uint64_t file_bytes, std::span<const Digest> leaves);

// `start` is the file's first `header_bytes`, or all of it where it is shorter. Errors: data_loss
// for a file that is empty, no checkpoint, truncated or longer than it was.
FileHeader check_header(const std::string& path, std::span<const std::byte> start,
                        std::uint64_t file_bytes);
// Errors: data_loss for a damaged file; failed_precondition for a whole one of a later format.
void check_digest(const std::string& path, const FileHeader& header,
                  std::span<const Digest> leaves);

// The same for a file in memory: fills in its header block, and checks header and digest.
void seal(std::span<std::byte> file);
void check_sealed(const std::string& path, std::span<const std::byte> file);

}  // namespace counterpoint::inline v1::checkpoint_internal
