#include "counterpoint/strategy/internal/mirrored_objects.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "counterpoint/runtime/call_record.h"

namespace counterpoint::inline v1 {
namespace {

using Word = std::uint64_t;

// Bytes travel as words, the last one filled up with zeros.
std::vector<Word> as_words(std::span<const std::byte> bytes) {
  std::vector<Word> words((bytes.size() + sizeof(Word) - 1) / sizeof(Word));
  if (!bytes.empty()) std::memcpy(words.data(), bytes.data(), bytes.size());
  return words;
}

// Four sums at once, since one alone would wait for its own multiplications.
Word digest_of_bytes(std::span<const std::byte> bytes) {
  const std::vector<Word> words = as_words(bytes);
  std::array<Word, 4> lanes{1, 2, 3, 4};
  std::size_t i = 0;
  for (; i + lanes.size() <= words.size(); i += lanes.size()) {
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
      lanes[lane] = (lanes[lane] ^ words[i + lane]) * 0x9fb21c651e98df25u;
      lanes[lane] ^= lanes[lane] >> 32;
    }
  }
  Word digest = bytes.size();
  for (; i < words.size(); ++i) digest = mix_digest(digest, words[i]);
  for (const Word lane : lanes) digest = mix_digest(digest, lane);
  return digest;
}

}  // namespace

MirroredObject::~MirroredObject() = default;

void MirroredObjects::add(const std::shared_ptr<MirroredObject>& object) {
  const std::scoped_lock lock(mutex_);
  // Those that have gone are forgotten now and then, so that making one stays cheap.
  if (objects_.size() == objects_.capacity()) {
    std::erase_if(objects_, [](const auto& weak) { return weak.expired(); });
    objects_.reserve(2 * objects_.size() + 8);
  }
  objects_.push_back(object);
}

std::vector<std::shared_ptr<MirroredObject>> MirroredObjects::living() {
  std::vector<std::shared_ptr<MirroredObject>> living;
  const std::scoped_lock lock(mutex_);
  for (const auto& weak : objects_) {
    if (auto object = weak.lock()) living.push_back(std::move(object));
  }
  // The global generator is made by whichever replica comes first, so its place may differ.
  std::ranges::stable_sort(living, {}, &MirroredObject::identity);
  return living;
}

std::string MirroredObjects::name_of(std::uint64_t stream) {
  for (const auto& object : living()) {
    if (object->logged_as() == stream) return object->describe();
  }
  return {};
}

std::uint64_t MirroredObjects::digest_of(
    const std::vector<std::shared_ptr<MirroredObject>>& objects) {
  Word digest = objects.size();
  for (const auto& object : objects) digest = mix_digest(digest, object->identity());
  return digest;
}

std::vector<std::byte> MirroredObjects::local_copies(const MirroredObject& object) const {
  const std::size_t bytes = object.copy_bytes();
  std::vector<std::byte> copies(bytes * static_cast<std::size_t>(replicas_per_rank_));
  for (int i = 0; i < replicas_per_rank_; ++i) {
    object.read_copy(i, std::span(copies).subspan(static_cast<std::size_t>(i) * bytes, bytes));
  }
  return copies;
}

bool MirroredObjects::copies_differ(const MirroredObject& object) const {
  std::vector<std::byte> copy(object.copy_bytes());
  // The least of the digests and of their complements: all are alike if these are of one digest.
  std::array<Word, 2> least{~Word{0}, ~Word{0}};
  for (int i = 0; i < replicas_per_rank_; ++i) {
    object.read_copy(i, copy);
    const Word digest = digest_of_bytes(copy);
    least = {std::min(least[0], digest), std::min(least[1], ~digest)};
  }
  payload_->all_reduce(std::span<Word>(least), Reduce::min);
  return least[0] != ~least[1];
}

std::vector<std::byte> MirroredObjects::all_copies(const MirroredObject& object) const {
  const std::vector<std::byte> local = local_copies(object);
  const std::vector<Word> mine = as_words(local);
  const auto ranks = static_cast<std::size_t>(payload_->size());
  std::vector<Word> gathered(ranks * mine.size());
  payload_->all_gather(std::span<const Word>(mine), std::span(gathered));
  std::vector<std::byte> all(ranks * local.size());
  for (std::size_t rank = 0; rank < ranks && !local.empty(); ++rank) {
    std::memcpy(all.data() + rank * local.size(), gathered.data() + rank * mine.size(),
                local.size());
  }
  return all;
}

bool MirroredObjects::adopt_first(MirroredObject& object) const {
  const std::vector<std::byte> before = local_copies(object);
  const std::size_t bytes = object.copy_bytes();
  std::vector<Word> words = as_words(std::span(before).first(bytes));
  payload_->broadcast(std::span(words), 0);
  const auto first = std::as_bytes(std::span(words)).first(bytes);
  bool changed = false;
  for (int i = 0; i < replicas_per_rank_; ++i) {
    const auto copy = std::span(before).subspan(static_cast<std::size_t>(i) * bytes, bytes);
    if (std::ranges::equal(copy, first)) continue;
    object.write_copy(i, first);
    changed = true;
  }
  return changed;
}

}  // namespace counterpoint::inline v1
