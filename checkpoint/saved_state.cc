#include "counterpoint/checkpoint/internal/saved_state.h"

#include <vector>

#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

void collect(SavedObject& object, std::vector<Tensor*>& tensors) {
  for (auto& [name, tensor] : object.values) tensors.push_back(&tensor);
  for (auto& [name, member] : object.members) collect(member, tensors);
}

}  // namespace

std::shared_lock<std::shared_mutex> SavedState::reading() const {
  std::shared_lock lock(mutex_);
  if (given_up_ == GivenUp::by_its_owner) {
    throw Error(ErrorCode::deadline_exceeded,
                "the disk was too slow to wait for, and the save was given up; save again");
  }
  if (given_up_ == GivenUp::for_want_of_memory) {
    throw Error(ErrorCode::resource_exhausted,
                "the disk was too slow to wait for, and there was no memory for a copy of the "
                "state; free memory and save again");
  }
  return lock;
}

void SavedState::detach(ValueCopies& copies) {
  const std::unique_lock lock(mutex_);
  if (detached_) return;
  std::vector<Tensor*> tensors;
  collect(root_, tensors);
  copies.copy(tensors);
  detached_ = true;
}

void SavedState::release(ValueCopies& copies) noexcept {
  try {
    detach(copies);
  } catch (...) {
    give_up(GivenUp::for_want_of_memory);
  }
}

void SavedState::give_up(GivenUp reason) noexcept {
  const std::unique_lock lock(mutex_);
  given_up_ = reason;
}

}  // namespace counterpoint::inline v1::checkpoint_internal
