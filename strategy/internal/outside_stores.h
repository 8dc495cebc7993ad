// Generators made outside that a strategy's replicas have drawn from in turn, told apart alike on every
// rank: by name or line, and several of one by the order in which they were first drawn from.
//
//   if (const auto objection = stores.objection_to(*store)) return objection;  // of this rank
//   proposal.turn = stores.turn_of(*store);     // what ranks that draw from another do not have
//   const std::uint64_t turn = stores.admit(store->shared_from_this());
//
// A store is forgotten when it has gone, which may be at other times on other ranks; its place in the order
// is not. The first draw of a new one is made by all ranks together, so that the order is the same on each.
// Thread-safety: any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/state_store.h"
#include "counterpoint/strategy/internal/call_log.h"

namespace counterpoint::inline v1 {

class OutsideStores {
 public:
  // With one rank there is nobody to tell apart from.
  explicit OutsideStores(bool is_one_rank) : is_one_rank_(is_one_rank) {}

  // What stands for `store`, or will once it is admitted.
  std::uint64_t turn_of(const PlainStore& store);
  // failed_precondition for a new one that began as another of its name or line did: where ranks draw
  // from one each, nothing would tell.
  std::optional<Error> objection_to(const PlainStore& store);
  // Knows `store` from now on. Returns what stands for it. Errors: as objection_to().
  std::uint64_t admit(const std::shared_ptr<PlainStore>& store);

  // The one that `turn` stands for, but for its lowest bit, which a verdict does not carry.
  std::shared_ptr<PlainStore> find(std::uint64_t verdict_turn);
  bool empty();
  // "generator 'noise'"; empty where `turn` stands for none that is remembered.
  std::string name_of(std::uint64_t turn);
  std::string describe(const PlainStore& store) { return name_of(turn_of(store), store); }

 private:
  struct Known {
    std::weak_ptr<PlainStore> store;
    const PlainStore* address = nullptr;
    std::uint64_t origin = 0;
    std::uint64_t number = 0;  // in the order of its origin, from 0
    StreamState first = {};    // before the first turn on it

    std::uint64_t turn() const;
  };
  static constexpr std::size_t kKeptNames = CallLog::kRemembered;

  void forget_gone();
  const Known* known(const PlainStore& store) const;
  Known as_new(const PlainStore& store) const;
  std::optional<Error> objection(const PlainStore& store, const Known& to) const;
  static std::string name_of(std::uint64_t turn, const PlainStore& store);

  const bool is_one_rank_;
  std::mutex mutex_;
  std::vector<Known> stores_;
  std::map<std::uint64_t, std::uint64_t> admitted_;  // how many of each origin ever were
  std::deque<std::pair<std::uint64_t, std::string>>
      names_;  // of turns, also where a store has gone
};

}  // namespace counterpoint::inline v1
