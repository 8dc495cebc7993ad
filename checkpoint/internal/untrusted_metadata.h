// What libhdf5 follows without end, or beyond the end, in metadata that anyone may have made.
//
//   if (!is_finite_tree_node(metadata, offset)) refuse();     // before libhdf5 reads it
//   if (!is_finite_object_header(metadata, offset)) refuse();
//
// `metadata` begins with the superblock, which addresses in the file count from; what is neither a node
// nor a header, or runs beyond the end, is left to libhdf5.
// Thread-safety: pure. Source: the HDF5 File Format Specification, version 3.0, sections III.A.1, IV.A.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace counterpoint::inline v1::checkpoint_internal {

// Whether the superblock says that offsets and lengths have 8 bytes, as these functions take them.
bool has_offsets_of_8_bytes(std::span<const std::byte> metadata);

// Each child of a node of a tree of links is one level lower than the node itself.
bool is_finite_tree_node(std::span<const std::byte> metadata, std::uint64_t offset);

// The list of what is free in a heap of names ends.
bool is_finite_heap(std::span<const std::byte> metadata, std::uint64_t offset);

// No message of an object is another object's, or of the same one; nor does it say where an image of
// libhdf5's cache is, whose lengths that does not look at: the format has no such messages. And what goes
// on elsewhere goes on in the file.
bool is_finite_object_header(std::span<const std::byte> metadata, std::uint64_t offset);

}  // namespace counterpoint::inline v1::checkpoint_internal
