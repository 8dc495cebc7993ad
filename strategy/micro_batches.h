// A reduction whose bits do not depend on how many replicas there are: over the micro-batches that
// a step is made of, however these are dealt to replicas and replicas to ranks.
//
//   const auto mine = cp::rows_of_replica(16, replica.replica_id(), replica.num_replicas_in_sync());
//   std::vector<float> gradients(mine.count * parameters);  // row by row, of micro-batches mine.first...
//   std::vector<float> gradient(parameters);
//   cp::all_reduce_micro_batches(replica, 16, gradients, gradient, cp::Reduce::mean);
//
// all_reduce adds each rank's replicas, then the ranks: on another number of replicas it adds in
// another order, and floats come out different. Here the order is that of a binary tree over the
// micro-batches (0 + 1) + (2 + 3) ..., which knows nothing of replicas. With sharded draws for what
// is random in a step, training gives the same weights on any number of replicas.
//
// A replica adds what of the tree lies within its own micro-batches; what is left, at most
// 2 log2(micro-batches) rows a replica and about two, travels in one all_reduce. The others'
// rows cost memory and bandwidth: `num_micro_batches` is to be a small multiple of the largest
// number of replicas. More replicas than micro-batches are allowed; some then have no rows.
//
// Thread-safety: by the replica's thread. Determinism: see above; a row's own order of adding is
// the caller's. Errors: as ReplicaContext::all_reduce; invalid_argument for rows that do not fit,
// and diverged where replicas give different numbers of micro-batches, lengths, types or reductions.
// Nothing is changed then.
// Source: pairwise summation, Higham, "The Accuracy of Floating Point Summation" (1993).
#pragma once

#include <cstdint>
#include <ranges>
#include <source_location>
#include <span>

#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/runtime/sharded_draws.h"
#include "counterpoint/strategy/replica_context.h"

namespace counterpoint::inline v1 {

// `rows` has a row for each of this replica's micro-batches (rows_of_replica), as long as
// `reduced`, which gets the reduction of all replicas' rows; they do not overlap. All replicas call
// it. `mean` divides by `num_micro_batches`.
COUNTERPOINT_PUBLIC void all_reduce_micro_batches(
    const ReplicaContext& replica, std::int64_t num_micro_batches, const ConstBuffer& rows,
    const Buffer& reduced, Reduce reduce,
    std::source_location location = std::source_location::current());

template <ElementRange Rows, ElementRange Reduced>
void all_reduce_micro_batches(const ReplicaContext& replica, std::int64_t num_micro_batches,
                              const Rows& rows, Reduced&& reduced, Reduce reduce,
                              std::source_location location = std::source_location::current()) {
  using T = std::ranges::range_value_t<Rows>;
  using R = std::ranges::range_value_t<Reduced>;
  all_reduce_micro_batches(replica, num_micro_batches, ConstBuffer::of(std::span<const T>(rows)),
                           Buffer::of(std::span<R>(reduced)), reduce, location);
}

}  // namespace counterpoint::inline v1
