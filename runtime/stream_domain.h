// What a strategy is to the generators used in it: it makes their state stores, orders the draws on
// generators made outside, and compares calls. An interface, so that runtime/ does not know
// strategy/.
//
//   std::shared_ptr<StateStore> store =
//       context.domain != nullptr
//           ? context.domain->make_store(context, definition, state, origin, layout)
//           : std::make_shared<PlainStore>(definition, state, origin);
//
// Thread-safety: called by replica threads at once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "counterpoint/runtime/state_store.h"

namespace counterpoint::inline v1 {

class COUNTERPOINT_PUBLIC StreamDomain {
 public:
  virtual ~StreamDomain();

  // For messages: "strategy made at train.cc:8".
  virtual const std::string& name() const noexcept = 0;

  // For a generator made in `context` (cross-replica: one stream a replica; replica: that
  // replica's). Never communicates.
  virtual std::shared_ptr<StateStore> make_store(const Context& context,
                                                 const StreamDefinition& definition,
                                                 const StreamState& state, StreamOrigin origin,
                                                 const StreamLayout& layout) = 0;

  // The state of a generator made without a seed: from entropy that all ranks share, told apart by
  // the origin, by how many of that origin were made in `context` before, and by the run. Never communicates.
  virtual StreamState entropy_state(const Context& context, const StreamOrigin& origin) = 0;

  // A draw on a store made outside, by replica `context.replica_id`: draw k of every replica,
  // replica 0 first, whatever the threads and ranks do. Blocks until its turn. Errors: diverged if
  // the ranks' states differ; whatever ends the run; failed_precondition for blocks that were taken before,
  // which the store's claim_turn() finds.
  virtual Reservation reserve_in_turn(const Context& context, PlainStore& store,
                                      const CallRecord& record, std::uint64_t blocks) = 0;
};

}  // namespace counterpoint::inline v1
