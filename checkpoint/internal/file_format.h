// What every checkpoint file keeps to: the header block in front of the HDF5 data, and the limits
// that a writer obeys and a reader checks. docs/format.md is the same in words.
//
//   seal(image);                                  // writes the header block
//   check_sealed(path, image);                    // throws unless the file is whole and ours
//
// Thread-safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace counterpoint::inline v1::checkpoint_internal {

inline constexpr std::int64_t format_version = 1;
inline constexpr std::int64_t stream_version = 1;

inline constexpr std::size_t header_bytes = 512;
inline constexpr std::size_t leaf_bytes = std::size_t{1} << 20;

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

// Fills in the first `header_bytes` of a file image.
void seal(std::span<std::byte> file);

// Errors: data_loss for a file that is empty, no checkpoint, truncated or damaged;
// failed_precondition for a whole file of a later format version.
void check_sealed(const std::string& path, std::span<const std::byte> file);

}  // namespace counterpoint::inline v1::checkpoint_internal
