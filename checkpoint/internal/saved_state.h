// The state that a save writes: tensors where they lie in their objects, until detach() copies them
// because the objects are about to go on.
//
//   SavedState state(root);              // of Saveable::view()
//   state.detach(copies);                // from here on the objects may change
//   const auto guard = state.reading();  // on the writing thread: tensors stay where they are
//   copy(state.root().values.at("x").bytes());
//
// Thread-safety: detach() and reading() from any threads; the one waits for the other.
#pragma once

#include <mutex>
#include <shared_mutex>

#include "counterpoint/checkpoint/internal/value_copies.h"
#include "counterpoint/runtime/saveable.h"

namespace counterpoint::inline v1::checkpoint_internal {

class SavedState {
 public:
  explicit SavedState(SavedObject root) : root_(std::move(root)) {}

  // Tensors keep their place in `root()`, but their bytes may move between two guards. Errors:
  // deadline_exceeded after abandon(); resource_exhausted after a release() without memory.
  std::shared_lock<std::shared_mutex> reading() const;
  const SavedObject& root() const { return root_; }

  // Gives all tensors to `copies`, which must outlive this state; does nothing the second time.
  // Errors: resource_exhausted, and nothing was copied.
  void detach(ValueCopies& copies);
  // As detach(), but where there is no memory the state is given up: who reads it gets an error.
  void release(ValueCopies& copies) noexcept;
  // The state is given up: nobody wants it written any more.
  void abandon() noexcept { give_up(GivenUp::by_its_owner); }

 private:
  enum class GivenUp { no, for_want_of_memory, by_its_owner };
  void give_up(GivenUp reason) noexcept;

  mutable std::shared_mutex mutex_;
  SavedObject root_;
  bool detached_ = false;
  GivenUp given_up_ = GivenUp::no;
};

}  // namespace counterpoint::inline v1::checkpoint_internal
