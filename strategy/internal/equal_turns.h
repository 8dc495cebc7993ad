// Turns on generators made outside that are assumed to be equal: every replica computes its place
// without a message, and logs what it drew, so that the comparison at the end of the run proves it.
//
//   reservation = reserve_equal_turn(local, replica_id, num_replicas, stores, store, record, blocks);
//   finish_equal_turns(replicas);   // after the run: the generators move to where it ended
//
// Thread-safety: reserve_equal_turn() for each replica by itself; the rest while none is running.
#pragma once

#include <cstdint>
#include <vector>

#include "counterpoint/runtime/call_record.h"
#include "counterpoint/runtime/state_store.h"
#include "counterpoint/strategy/internal/local_replica.h"
#include "counterpoint/strategy/internal/outside_stores.h"

namespace counterpoint::inline v1 {

// The place of replica `replica_id` in a round in which all replicas take `blocks`. Errors:
// failed_precondition for a store that `stores` cannot tell from another.
Reservation reserve_equal_turn(LocalReplica& local, int replica_id, int num_replicas,
                               OutsideStores& stores, PlainStore& store, const CallRecord& record,
                               std::uint64_t blocks);

void finish_equal_turns(std::vector<LocalReplica>& replicas);

}  // namespace counterpoint::inline v1
