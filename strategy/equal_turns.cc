#include "counterpoint/strategy/internal/equal_turns.h"

#include <algorithm>
#include <mutex>

namespace counterpoint::inline v1 {
namespace {

// The counter after `times` advances by `blocks`.
kernels::Counter advance(const StreamDefinition& definition, kernels::Counter counter,
                         std::uint64_t blocks, int times) {
  // A skip backwards loses its carry turn by turn, as TensorFlow's does.
  if (blocks >> 63 != 0) {
    for (int turn = 0; turn < times; ++turn) counter = definition.advance(counter, blocks);
    return counter;
  }
  __extension__ using Wide = unsigned __int128;
  const Wide all = Wide{blocks} * static_cast<unsigned>(times);
  counter = definition.advance(counter, static_cast<std::uint64_t>(all));
  // One word wraps; of two, the high one takes what does not fit.
  if (definition.counter_words == 2) counter.high += static_cast<std::uint64_t>(all >> 64);
  return counter;
}

}  // namespace

Reservation reserve_equal_turn(LocalReplica& local, int replica_id, int num_replicas,
                               OutsideStores& stores, PlainStore& store, const CallRecord& record,
                               std::uint64_t blocks) {
  const std::scoped_lock lock(local.lock);
  auto turn = std::ranges::find_if(
      local.turns, [&](const EqualTurn& known) { return known.store.get() == &store; });
  if (turn == local.turns.end()) {
    // Nobody moves the generator itself before the run ends.
    const std::shared_ptr<PlainStore> shared = store.shared_from_this();
    const std::uint64_t number = stores.admit(shared);
    local.turns.push_back({.store = shared, .state = store.peek(), .turn = number});
    turn = local.turns.end() - 1;
    const StreamState& state = turn->state;
    local.log.record(
        turn->turn,
        {.operation = Operation::take_turns,
         .dtype = DType::i64,
         .shape = {},
         .scalars = {mix_digest(digest_of(state.counter), store.definition().id), state.key},
         .location = record.location});
  }
  local.log.record(turn->turn, record);
  const StreamDefinition& definition = store.definition();
  const Reservation reserved{turn->state.key,
                             advance(definition, turn->state.counter, blocks, replica_id)};
  const Reservation round{turn->state.key, turn->state.counter};
  turn->state.counter = advance(definition, turn->state.counter, blocks, num_replicas);
  if (record.operation == Operation::skip && record.shape.front() < 0) {
    store.give_back_turn(round, turn->state.counter);
  } else {
    store.claim_turn(reserved, record, blocks);
  }
  return reserved;
}

void finish_equal_turns(std::vector<LocalReplica>& replicas) {
  // All replicas' turns are alike, or their logs are not.
  for (const EqualTurn& turn : replicas.front().turns) turn.store->replace(turn.state);
  for (LocalReplica& replica : replicas) replica.turns.clear();
}

}  // namespace counterpoint::inline v1
