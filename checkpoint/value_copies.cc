#include "counterpoint/checkpoint/internal/value_copies.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "counterpoint/checkpoint/internal/parallel.h"
#include "counterpoint/runtime/internal/fingerprint.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t least_memory = std::size_t{1} << 20;  // for small values together
constexpr std::size_t piece_bytes = std::size_t{4} << 20;
static_assert(piece_bytes % Fingerprint::block_bytes == 0);

}  // namespace

std::size_t ValueCopies::memory_bytes() const {
  return std::accumulate(
      memory_.begin(), memory_.end(), std::size_t{0},
      [](std::size_t sum, const FileBytes& bytes) { return sum + bytes.size(); });
}

void ValueCopies::forget() {
  // Values of other sizes than those of the saves before may have left gaps.
  if (memory_bytes() > 2 * needed_ + least_memory) memory_.clear();
  filling_ = filled_ = needed_ = 0;
  read_.clear();
}

void ValueCopies::add_pieces(std::span<const std::byte> value, Room to,
                             std::vector<Piece>& pieces) {
  for (std::size_t begin = 0; begin < value.size(); begin += piece_bytes) {
    pieces.push_back({value.subspan(begin, std::min(piece_bytes, value.size() - begin)),
                      {to.memory, to.offset + begin}});
  }
}

std::byte* ValueCopies::populated(const Piece& piece) {
  FileBytes& memory = memory_[piece.to.memory];
  memory.populate_before(piece.to.offset + piece.from.size());
  return memory.span().data() + piece.to.offset;
}

ValueCopies::Room ValueCopies::make_room(std::size_t size) {
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  while (filling_ < memory_.size() && memory_[filling_].size() - filled_ < rounded) {
    ++filling_;
    filled_ = 0;
  }
  if (filling_ == memory_.size()) {
    memory_.push_back(FileBytes::allocate(std::max(rounded, least_memory)));
  }
  const Room room = {filling_, filled_};
  filled_ += rounded;
  needed_ += rounded;
  return room;
}

std::uint64_t ValueCopies::read(std::span<const std::byte> value) noexcept {
  if (value.empty() || read_.contains(value.data())) return fingerprint_of(value);
  try {
    return copy(value);
  } catch (...) {
    return fingerprint_of(value);  // comparing goes on; copying the rest says what is missing
  }
}

std::uint64_t ValueCopies::copy(std::span<const std::byte> value) {
  const Room room = make_room(value.size());
  std::vector<Piece> pieces;
  add_pieces(value, room, pieces);
  const std::size_t workers = worker_count(pieces.size(), 2);
  std::vector<Fingerprint> sums(workers);
  for_each_in_parallel(pieces.size(), workers, [&](std::size_t i, std::size_t worker) {
    const Piece& piece = pieces[i];
    sums[worker].copy(i * piece_bytes, piece.from, populated(piece));
  });
  std::byte* const copy = memory_[room.memory].span().data() + room.offset;
  read_.emplace(value.data(), Copy{value.size(), copy});
  for (std::size_t worker = 1; worker < workers; ++worker) sums[0].merge(sums[worker]);
  return sums[0].value();
}

void ValueCopies::copy(std::span<Tensor* const> tensors) {
  std::vector<std::byte*> copies;
  std::vector<Piece> pieces;
  for (const Tensor* tensor : tensors) {
    const std::span<const std::byte> bytes = tensor->bytes();
    const auto found = read_.find(bytes.data());
    if (bytes.empty()) {
      copies.push_back(nullptr);
    } else if (found != read_.end() && found->second.size == bytes.size()) {
      copies.push_back(found->second.bytes);
    } else {
      const Room room = make_room(bytes.size());
      copies.push_back(memory_[room.memory].span().data() + room.offset);
      add_pieces(bytes, room, pieces);
    }
  }
  for_each_in_parallel(pieces.size(), worker_count(pieces.size(), 2),
                       [&](std::size_t i, std::size_t) {
                         const Piece& piece = pieces[i];
                         std::memcpy(populated(piece), piece.from.data(), piece.from.size());
                       });
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (copies[i] == nullptr) continue;
    Tensor& tensor = *tensors[i];
    tensor = Tensor::adopt(tensor.dtype(), tensor.shape(), tensor.device(), copies[i], nullptr);
  }
}

}  // namespace counterpoint::inline v1::checkpoint_internal
