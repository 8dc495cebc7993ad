// The generators and variables of a strategy as copies of bytes, one a replica: what is adopted,
// compared and gathered where replicas have come to differ.
//
//   objects.add(store);
//   if (objects.copies_differ(*store, reader)) bytes = objects.all_copies(*store);   // collective
//
// Thread-safety: add() by any thread; the rest, and the copies, while no replica is running.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "counterpoint/runtime/call_record.h"
#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/saveable.h"

namespace counterpoint::inline v1 {

class MirroredObject {
 public:
  virtual ~MirroredObject();

  // Equal on all ranks for the same object: its origin, kind and shape.
  virtual std::uint64_t identity() const = 0;
  // What stands for it in the calls that are logged.
  virtual std::uint64_t logged_as() const noexcept = 0;
  // "generator 'noise'"
  virtual std::string describe() const = 0;
  virtual std::size_t copy_bytes() const = 0;
  virtual std::size_t element_bytes() const = 0;
  // "element 5: 0.25", of a copy of it.
  virtual std::string describe_element(std::size_t index,
                                       std::span<const std::byte> copy) const = 0;
  // A copy: where it lies, or in `scratch`.
  virtual std::span<const std::byte> copy_of(int local_index,
                                             std::vector<std::byte>& scratch) const = 0;
  virtual void write_copy(int local_index, std::span<const std::byte> bytes) noexcept = 0;

  // Copies of all replicas in a row, where a save of differing replicas is to hold them; else
  // empty.
  const std::vector<std::byte>& saved_copies() const noexcept { return saved_copies_; }
  void keep_for_save(std::vector<std::byte> copies) noexcept { saved_copies_ = std::move(copies); }

 private:
  std::vector<std::byte> saved_copies_;
};

class MirroredObjects {
 public:
  MirroredObjects(std::shared_ptr<Communicator> payload, int replicas_per_rank)
      : payload_(std::move(payload)), replicas_per_rank_(replicas_per_rank) {}

  void add(const std::shared_ptr<MirroredObject>& object);

  // What lives, in an order that is the same on all ranks.
  std::vector<std::shared_ptr<MirroredObject>> living();
  // What stands for draws that replicas share on an object that is logged as `stream`.
  static constexpr std::uint64_t logged_as_shared(std::uint64_t stream) noexcept {
    constexpr std::uint64_t kSharded = 0x7368617264656421u;
    return mix_digest(stream, kSharded);
  }
  // What living object is logged as `stream`, described; empty if none is.
  std::string name_of(std::uint64_t stream);
  // Of the identities, in that order.
  static std::uint64_t digest_of(const std::vector<std::shared_ptr<MirroredObject>>& objects);

  // The first copy of this rank is read by `reader`, if there is one. Collective.
  bool copies_differ(const MirroredObject& object, const ValueReader& reader) const;
  // Which replicas hold different copies, and in what, where some do. Collective.
  std::string first_difference(const MirroredObject& object) const;
  // Every replica's copy, in order of replica id. Collective.
  std::vector<std::byte> all_copies(const MirroredObject& object) const;
  // Gives every replica the first one's copy; whether one of this rank's was another. Collective.
  bool adopt_first(MirroredObject& object) const;

 private:
  std::vector<std::byte> local_copies(const MirroredObject& object) const;

  const std::shared_ptr<Communicator> payload_;
  const int replicas_per_rank_;
  std::mutex mutex_;
  std::vector<std::weak_ptr<MirroredObject>> objects_;  // as they were made
};

}  // namespace counterpoint::inline v1
