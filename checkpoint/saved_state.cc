#include "counterpoint/checkpoint/internal/saved_state.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "counterpoint/checkpoint/internal/parallel.h"
#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t piece_bytes = std::size_t{4} << 20;

struct Piece {
  const std::byte* from;
  std::size_t offset;
  std::size_t size;
};

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

void SavedState::detach(FileBytes& memory) {
  const std::unique_lock lock(mutex_);
  if (detached_) return;
  std::vector<Tensor*> tensors;
  collect(root_, tensors);
  std::vector<std::size_t> offsets;
  std::size_t end = 0;
  for (const Tensor* tensor : tensors) {
    offsets.push_back(end);
    end += (std::as_const(*tensor).bytes().size() + alignment - 1) / alignment * alignment;
  }
  if (memory.size() < end) {
    memory = FileBytes();  // the old one first: nothing reads it any more
    memory = FileBytes::allocate(end);
  }
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::span<const std::byte> bytes = std::as_const(*tensors[i]).bytes();
    for (std::size_t begin = 0; begin < bytes.size(); begin += piece_bytes) {
      pieces.push_back(
          {bytes.data() + begin, offsets[i] + begin, std::min(piece_bytes, bytes.size() - begin)});
    }
  }
  std::byte* const base = memory.span().data();
  const std::size_t workers = worker_count(pieces.size(), 2);
  for_each_in_parallel(pieces.size(), workers, [&](std::size_t i, std::size_t) {
    std::memcpy(base + pieces[i].offset, pieces[i].from, pieces[i].size);
  });
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    Tensor& tensor = *tensors[i];
    if (tensor.size() == 0) continue;
    tensor =
        Tensor::adopt(tensor.dtype(), tensor.shape(), tensor.device(), base + offsets[i], nullptr);
  }
  detached_ = true;
}

void SavedState::release(FileBytes& memory) noexcept {
  try {
    detach(memory);
  } catch (...) {
    give_up(GivenUp::for_want_of_memory);
  }
}

void SavedState::give_up(GivenUp reason) noexcept {
  const std::unique_lock lock(mutex_);
  given_up_ = reason;
}

}  // namespace counterpoint::inline v1::checkpoint_internal
