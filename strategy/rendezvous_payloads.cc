// What replicas do together once they agree: reductions, and draws in turn.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "counterpoint/runtime/internal/reduce_elements.h"
#include "counterpoint/strategy/internal/element_arithmetic.h"
#include "counterpoint/strategy/internal/rendezvous.h"

namespace counterpoint::inline v1 {
namespace {

// In a row of turns: whether the rank knows the generator, its copy of the state, and what each of its
// replicas takes.
enum Column : std::size_t { known, counter_low, counter_high, key, first_replica };

StreamState state_in(std::span<const std::uint64_t> row) {
  return {.counter = {row[Column::counter_low], row[Column::counter_high]},
          .key = row[Column::key]};
}

// Here, where turns have their order. A replica that may not take its turn learns it when it wakes.
void claim_turn(Request& request, const Reservation& reserved) {
  request.reserved = reserved;
  try {
    request.store->claim_turn(reserved, request.record, request.blocks);
  } catch (...) {
    request.refused = std::current_exception();
  }
}

}  // namespace

void Rendezvous::all_reduce() {
  const Request& first = *slots_.front().request;
  const std::size_t bytes =
      static_cast<std::size_t>(first.values.count) * dtype_size(first.values.dtype);
  if (bytes == 0) return;
  const Reduce reduce = first.reduce == Reduce::mean ? Reduce::sum : first.reduce;
  const DType dtype = first.values.dtype;
  const auto reduce_between_ranks = [&](const Buffer& values) {
    if (payload_->size() > 1) {
      payload_->start_all_reduce(values, reduce).wait(payload_->timeout_seconds());
    }
    if (first.reduce == Reduce::mean) {
      divide_elements(values, payload_->size() * options_.replicas_per_rank);
    }
  };
  if (slots_.size() == 1) return reduce_between_ranks(first.values);
  if (staging_.size() < bytes * slots_.size()) staging_.resize(bytes * slots_.size());
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    std::memcpy(staging_.data() + i * bytes, slots_[i].request->values.data, bytes);
  }
  reduce_rows(dtype, reduce, staging_.data(), bytes, static_cast<int>(slots_.size()),
              first.values.count, staging_.data());
  reduce_between_ranks({staging_.data(), first.values.count, dtype, {}});
  for (Slot& slot : slots_) std::memcpy(slot.request->values.data, staging_.data(), bytes);
}

// Ranks that differ are named late, if they are: MPI itself may notice first, in words of its own.
void Rendezvous::all_reduce_unchecked() {
  try {
    all_reduce();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::internal) throw;
    throw Error(
        error.code(),
        fmt::format("{}; here: {}, in run {}; where collectives are compared at the end of a "
                    "run, one that differs cannot be named before its payload moves: look "
                    "for it with CollectiveChecks::before_payload",
                    error.message(), describe_rank(), agreement_.run()));
  }
}

// Draw k of every replica, replica 0 first: each finds its place from how much the ones before it take.
// A replica that has left, or is at a collective, takes nothing; its rank's copy of the state moves all the same.
void Rendezvous::take_turns(std::uint64_t turn) {
  std::vector<std::uint64_t> mine(Column::first_replica + slots_.size(), 0);
  std::shared_ptr<PlainStore> store;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Request* const request = slots_[i].request;
    if (request == nullptr || request->store == nullptr) continue;
    store = request->store->shared_from_this();
    mine[Column::first_replica + i] = request->blocks;
  }
  if (store != nullptr) {
    outside_.admit(store);
  } else {
    store = outside_.find(turn);
  }
  if (store != nullptr) {
    const StreamState state = store->peek();
    mine[Column::known] = 1;
    mine[Column::counter_low] = state.counter.low;
    mine[Column::counter_high] = state.counter.high;
    mine[Column::key] = state.key;
  }
  std::vector<std::uint64_t> all(static_cast<std::size_t>(payload_->size()) * mine.size());
  payload_
      ->start_all_gather(ConstBuffer::of(std::span<const std::uint64_t>(mine)),
                         Buffer::of(std::span(all)))
      .wait(payload_->timeout_seconds());
  check_turn_states(all, mine.size(), store.get());

  StreamState state = state_in(all);
  const int first_rank_replica = payload_->rank() * options_.replicas_per_rank;
  int replica_id = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i % mine.size() < Column::first_replica) continue;
    const int local_index = replica_id++ - first_rank_replica;
    const Reservation reserved{state.key, state.counter};
    state.counter = store->definition().advance(state.counter, all[i]);
    if (local_index < 0 || local_index >= options_.replicas_per_rank) {
      // Half the blocks of a word and more are a skip backwards, whatever it was called.
      if (all[i] >> 63 != 0) store->give_back_turn(reserved, state.counter);
    } else if (Request* const request = slots_[static_cast<std::size_t>(local_index)].request;
               request != nullptr && request->store != nullptr) {
      claim_turn(*request, reserved);
    }
  }
  store->replace(state);
}

// Every rank must know the generator, and hold it in the same state, unless the first rank's is
// adopted. All ranks see the same rows, and throw the same.
void Rendezvous::check_turn_states(std::span<const std::uint64_t> rows, std::size_t row_size,
                                   const PlainStore* store) {
  std::optional<int> knowing;
  std::optional<int> ignorant;
  for (std::size_t rank = rows.size() / row_size; rank-- > 0;) {
    (rows[rank * row_size + Column::known] != 0 ? knowing : ignorant) = static_cast<int>(rank);
  }
  if (ignorant) {
    const std::string mine = store == nullptr ? "" : describe_rank();
    throw AgreedError(
        ErrorCode::diverged,
        cannot_follow(*ignorant, *knowing, RankSearch(*payload_).text_of(mine, *knowing)));
  }
  const StreamState first = state_in(rows);
  for (std::size_t rank = 1; rank * row_size < rows.size(); ++rank) {
    const StreamState other = state_in(rows.subspan(rank * row_size));
    if (other == first) continue;
    const std::string message = fmt::format(
        "ranks hold different states of {}, which was made outside: counter {} {}, key {} on rank "
        "0; counter {} {}, key {} on rank {}",
        outside_.describe(*store), first.counter.low, first.counter.high, first.key,
        other.counter.low, other.counter.high, other.key, rank);
    if (options_.on_divergence == OnDivergence::adopt_first) {
      return agreement_.report(message, {store->origin().to_string()});
    }
    throw AgreedError(
        ErrorCode::diverged,
        message + "; give it the same seed on every rank, or make it in the strategy's scope");
  }
}

}  // namespace counterpoint::inline v1
