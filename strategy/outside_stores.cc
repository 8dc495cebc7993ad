#include "counterpoint/strategy/internal/outside_stores.h"

#include <fmt/format.h>

#include <algorithm>

#include "counterpoint/runtime/call_record.h"

namespace counterpoint::inline v1 {

std::uint64_t OutsideStores::Known::turn() const {
  return number == 0 ? origin : mix_digest(origin, number);
}

void OutsideStores::forget_gone() {
  std::erase_if(stores_, [](const Known& known) { return known.store.expired(); });
}

const OutsideStores::Known* OutsideStores::known(const PlainStore& store) const {
  const auto found = std::ranges::find(stores_, &store, &Known::address);
  return found == stores_.end() ? nullptr : &*found;
}

OutsideStores::Known OutsideStores::as_new(const PlainStore& store) const {
  const std::uint64_t origin = store.origin().digest();
  const auto found = admitted_.find(origin);
  return {.store = {},
          .address = &store,
          .origin = origin,
          .number = found == admitted_.end() ? 0 : found->second,
          .first = store.peek()};
}

std::optional<Error> OutsideStores::objection(const PlainStore& store, const Known& to) const {
  if (is_one_rank_) return std::nullopt;
  if (std::ranges::none_of(stores_, [&](const Known& other) {
        return other.origin == to.origin && other.first == to.first;
      })) {
    return std::nullopt;
  }
  return Error(ErrorCode::failed_precondition,
               fmt::format("replicas take turns on two generators that began with the same state "
                           "and are both {}, so that ranks cannot tell which of them is drawn "
                           "from: give each a name of its own or another seed",
                           store.origin().to_string()));
}

std::uint64_t OutsideStores::turn_of(const PlainStore& store) {
  const std::scoped_lock lock(mutex_);
  forget_gone();
  const Known* const found = known(store);
  return found != nullptr ? found->turn() : as_new(store).turn();
}

std::optional<Error> OutsideStores::objection_to(const PlainStore& store) {
  const std::scoped_lock lock(mutex_);
  forget_gone();
  if (known(store) != nullptr) return std::nullopt;
  return objection(store, as_new(store));
}

std::uint64_t OutsideStores::admit(const std::shared_ptr<PlainStore>& store) {
  const std::scoped_lock lock(mutex_);
  forget_gone();
  if (const Known* const found = known(*store)) return found->turn();
  Known made = as_new(*store);
  if (const auto error = objection(*store, made)) throw Error(*error);
  made.store = store;
  const std::uint64_t turn = made.turn();
  ++admitted_[made.origin];
  stores_.push_back(std::move(made));
  names_.emplace_back(turn, name_of(turn, *store));
  if (names_.size() > kKeptNames) names_.pop_front();
  return turn;
}

std::shared_ptr<PlainStore> OutsideStores::find(std::uint64_t verdict_turn) {
  const std::scoped_lock lock(mutex_);
  const auto found = std::ranges::find_if(
      stores_, [&](const Known& known) { return known.turn() >> 1 == verdict_turn; });
  return found == stores_.end() ? nullptr : found->store.lock();
}

bool OutsideStores::empty() {
  const std::scoped_lock lock(mutex_);
  forget_gone();
  return stores_.empty();
}

std::string OutsideStores::name_of(std::uint64_t turn) {
  const std::scoped_lock lock(mutex_);
  const auto found = std::ranges::find(names_, turn, &std::pair<std::uint64_t, std::string>::first);
  return found == names_.end() ? "" : found->second;
}

std::string OutsideStores::name_of(std::uint64_t turn, const PlainStore& store) {
  const StreamOrigin& origin = store.origin();
  return origin.to_string() +
         (turn == origin.digest() ? "" : ", not the first of those to be drawn from");
}

}  // namespace counterpoint::inline v1
