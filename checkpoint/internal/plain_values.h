// What a save holds that no strategy keeps in step: numbers, tensors, and generators made outside
// of one. A file holds rank 0's, so they must be everybody's.
//
//   PlainValues values(view_of(objects), reader);   // tensors are read once, by `reader`
//   values.require_same(communicator);              // collective: names the first that differs
//
// Also those of named members. What a type of the user's saves counts where it is of one of these
// types.
// Determinism: tensors are compared bit by bit. Thread-safety: as the communicator.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/saveable.h"

namespace counterpoint::inline v1::checkpoint_internal {

class PlainValues {
 public:
  // `objects` are what Saveable::view() gave, and outlive this. `reader` may be none.
  PlainValues(const std::map<std::string, SavedObject>& objects, const ValueReader& reader);

  // Collective; one small reduction where nothing differs. Errors, on every rank: diverged, with
  // the object, the ranks, and both numbers, both states, both shapes or the first element that
  // differs.
  void require_same(Communicator& communicator) const;

 private:
  struct Value {
    std::string kind;                // "number", "generator" or "tensor"
    std::string path;                // "model/step"
    std::string state;               // what differs where it differs; a tensor's type and shape
    std::uint64_t fingerprint = 0;   // a tensor's
    const Tensor* tensor = nullptr;  // likewise
  };

  // Value `at` is `first` on rank 0, and `other` on `rank`: kind, path and state. Collective.
  [[noreturn]] void throw_difference(Communicator& communicator, std::size_t at, std::size_t rank,
                                     const std::vector<std::string>& first,
                                     const std::vector<std::string>& other) const;
  void add(const std::string& path, const SavedObject& object, const ValueReader& reader);
  // "has 0.5 in element 700 on rank 0, but 0.25 on rank 1". Collective.
  static std::string first_difference(Communicator& communicator, const Tensor& tensor,
                                      std::size_t other);

  std::vector<Value> values_;
};

}  // namespace counterpoint::inline v1::checkpoint_internal
