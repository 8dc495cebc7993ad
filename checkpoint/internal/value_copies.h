// Copies of the values that a save writes later, in memory that is kept from one save to the next.
//
//   copies.forget();        // those of the save before
//   object.ensure_in_step(line, [&](auto v) { return copies.read(v); });   // compared while copied
//   copies.copy(tensors);   // the rest; they refer to copies now
//
// Thread-safety: one thread at a time; it works on several.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "counterpoint/checkpoint/internal/file_bytes.h"
#include "counterpoint/runtime/tensor.h"

namespace counterpoint::inline v1::checkpoint_internal {

class ValueCopies {
 public:
  // The memory stays, unless the last save needed less than half of it.
  void forget();
  std::size_t memory_bytes() const;

  // The fingerprint of `value`, which is copied meanwhile where there is memory.
  std::uint64_t read(std::span<const std::byte> value) noexcept;

  // Copies those that read() did not, and makes all `tensors` refer to copies, which this must
  // outlive.
  // Errors: resource_exhausted, and the tensors are as they were.
  void copy(std::span<Tensor* const> tensors);

 private:
  std::uint64_t copy(std::span<const std::byte> value);
  // In one of the pieces of memory, whose vector may grow.
  struct Room {
    std::size_t memory;
    std::size_t offset;
  };
  // A part of a value, and where its copy goes.
  struct Piece {
    std::span<const std::byte> from;
    Room to;
  };
  Room make_room(std::size_t size);
  static void add_pieces(std::span<const std::byte> value, Room to, std::vector<Piece>& pieces);
  // Where a copy goes, with memory behind it.
  std::byte* populated(const Piece& piece);

  struct Copy {
    std::size_t size;
    std::byte* bytes;
  };

  std::vector<FileBytes> memory_;
  std::size_t filling_ = 0;                // which of it; those before it are full
  std::size_t filled_ = 0;                 // bytes of that one
  std::size_t needed_ = 0;                 // bytes of all copies
  std::map<const std::byte*, Copy> read_;  // by what they are copies of
};

}  // namespace counterpoint::inline v1::checkpoint_internal
