// What a rank keeps of one of its replicas, under the replica's lock.
//
//   const std::scoped_lock lock(local.lock);
//   local.log.record(stream, record);
//
// Thread-safety: the lock; a replica's calls may come from several threads that it bound.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "counterpoint/runtime/draw_lock.h"
#include "counterpoint/runtime/state_store.h"
#include "counterpoint/strategy/internal/call_log.h"

namespace counterpoint::inline v1 {

// A generator made outside as a replica sees it in a run whose turns are assumed to be equal.
struct EqualTurn {
  std::shared_ptr<PlainStore> store;
  StreamState state;       // after the turns so far, of all replicas
  std::uint64_t turn = 0;  // what stands for it in the log
};

struct alignas(128) LocalReplica {
  mutable DrawLock lock;
  CallLog log;
  std::vector<EqualTurn> turns;  // of this run
};

}  // namespace counterpoint::inline v1
