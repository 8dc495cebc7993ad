#include "counterpoint/strategy/internal/mirrored_objects.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "counterpoint/runtime/call_record.h"
#include "counterpoint/runtime/internal/fingerprint.h"
#include "counterpoint/strategy/internal/rank_search.h"

namespace counterpoint::inline v1 {
namespace {

using Word = std::uint64_t;

// Bytes travel as words, the last one filled up with zeros.
std::vector<Word> as_words(std::span<const std::byte> bytes) {
  std::vector<Word> words((bytes.size() + sizeof(Word) - 1) / sizeof(Word));
  if (!bytes.empty()) std::memcpy(words.data(), bytes.data(), bytes.size());
  return words;
}

// The first element from `begin` to before `end` in which two copies differ, by halves: `alike` says of
// each half whether it is the same.
template <class Alike>
std::size_t first_unlike(std::size_t begin, std::size_t end, Alike alike) {
  while (end - begin > 1) {
    const std::size_t middle = begin + (end - begin) / 2;
    (alike(begin, middle) ? begin : end) = middle;
  }
  return begin;
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
    if (logged_as_shared(object->logged_as()) == stream) return object->describe() + " (sharded)";
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
  std::vector<std::byte> copies;
  std::vector<std::byte> scratch;
  copies.reserve(object.copy_bytes() * static_cast<std::size_t>(replicas_per_rank_));
  for (int i = 0; i < replicas_per_rank_; ++i) {
    const std::span<const std::byte> copy = object.copy_of(i, scratch);
    copies.insert(copies.end(), copy.begin(), copy.end());
  }
  return copies;
}

bool MirroredObjects::copies_differ(const MirroredObject& object, const ValueReader& reader) const {
  if (replicas_per_rank_ == 1 && payload_->size() == 1) return false;
  std::vector<std::byte> scratch;
  // The least of the digests and of their complements: all are alike if these are of one digest.
  std::array<Word, 2> least{~Word{0}, ~Word{0}};
  for (int i = 0; i < replicas_per_rank_; ++i) {
    const std::span<const std::byte> copy = object.copy_of(i, scratch);
    const Word digest = i == 0 && reader ? reader(copy) : fingerprint_of(copy);
    least = {std::min(least[0], digest), std::min(least[1], ~digest)};
  }
  payload_->all_reduce(std::span<Word>(least), Reduce::min);
  return least[0] != ~least[1];
}

std::string MirroredObjects::first_difference(const MirroredObject& object) const {
  const std::size_t size = object.element_bytes();
  const std::size_t elements = object.copy_bytes() / size;
  const int rank = payload_->rank();
  std::vector<std::byte> scratch;
  std::vector<std::byte> other_scratch;
  const std::span<const std::byte> first = object.copy_of(0, scratch);
  const auto describe = [&](int local_index, std::size_t element, std::span<const std::byte> copy) {
    return fmt::format("replica {} on rank {} has {}", rank * replicas_per_rank_ + local_index,
                       rank, object.describe_element(element, copy));
  };
  RankSearch search(*payload_);
  if (const auto ranks = search.unlike(fingerprint_of(first))) {
    const bool asked = rank == ranks->first || rank == ranks->second;
    const std::size_t element = first_unlike(0, elements, [&](std::size_t begin, std::size_t end) {
      const auto part = first.subspan(begin * size, (end - begin) * size);
      return search.alike(asked ? RankSearch::Value(fingerprint_of(part)) : std::nullopt);
    });
    const std::string mine = describe(0, element, first);
    const std::string one = search.text_of(mine, ranks->first);
    return one + "; " + search.text_of(mine, ranks->second);
  }
  // Ranks agree about their first replicas: some rank's own replicas differ.
  std::string mine;
  for (int i = 1; i < replicas_per_rank_ && mine.empty(); ++i) {
    const std::span<const std::byte> other = object.copy_of(i, other_scratch);
    const auto at = std::ranges::mismatch(first, other).in1 - first.begin();
    if (static_cast<std::size_t>(at) == first.size()) continue;
    const std::size_t element = static_cast<std::size_t>(at) / size;
    mine = describe(0, element, first) + "; " + describe(i, element, other);
  }
  const std::optional<int> told = search.first_rank(!mine.empty());
  return told ? search.text_of(mine, *told) : "they were alike when they were looked at again";
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
