// What a replica's function is given: who it is, and the collectives that all replicas call
// together.
//
//   strategy.run([&](cp::ReplicaContext& replica) {
//     noise.fill_normal(gradient);                     // this replica's own stream
//     replica.all_reduce(gradient, cp::Reduce::mean);  // in place, over all replicas of all ranks
//   });
//
// Thread-safety: used by its replica's thread. Determinism: all_reduce adds the rank's replicas in
// order, then the ranks in order.
#pragma once

#include <cstdint>
#include <memory>
#include <source_location>
#include <span>

#include "counterpoint/kernels/dtype.h"
#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/context.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/runtime/tensor.h"

namespace counterpoint::inline v1 {

class StrategyCore;

class COUNTERPOINT_PUBLIC ReplicaContext {
  using Location = std::source_location;

 public:
  // Made by MirroredStrategy.
  ReplicaContext(StrategyCore& core, const Context& context) noexcept
      : core_(core), context_(context) {}

  // 0 to num_replicas_in_sync() - 1: rank * replicas_per_rank + local index.
  int replica_id() const noexcept { return context_.replica_id; }
  int local_index() const noexcept { return context_.local_index; }
  int num_replicas_in_sync() const noexcept { return context_.num_replicas; }
  int rank() const noexcept;

  // Every replica's values become their reduction, element by element, in place. All replicas call
  // it with equal types and shapes. `mean` of integers is invalid_argument. Errors: diverged,
  // naming both calls, where replicas call different things, and values are unchanged then; others,
  // after which they are of no use.
  void all_reduce(Tensor& values, Reduce reduce, Location location = Location::current()) const;
  template <ElementRange R>
  void all_reduce(R&& values, Reduce reduce, Location location = Location::current()) const {
    using T = std::ranges::range_value_t<R>;
    all_reduce_buffer(Buffer::of(std::span<T>(values)), reduce, location);
  }

  // Makes the calling thread (of a pool, say) one of this replica's until the guard goes. A replica's calls
  // are compared in the order in which they are made: threads that draw at once from what the strategy's
  // replicas share, each from a generator of its own even, come in another order on another replica, which
  // is `diverged`. Let one thread draw, or let the others draw from what is not compared: generators made
  // in the run, such as `noise.for_replica(id)`, or a child each of one `split` there. One thread
  // of a replica at a time calls a collective: failed_precondition for a second one meanwhile. With
  // one replica a rank, the thread that calls a collective communicates: under MPI at FUNNELED it is
  // failed_precondition on any but the replica's own, and so are draws on generators made outside.
  [[nodiscard]] ContextGuard bind_thread() const { return ContextGuard(context_); }

 private:
  friend COUNTERPOINT_PUBLIC void all_reduce_micro_batches(const ReplicaContext& replica,
                                                           std::int64_t num_micro_batches,
                                                           const ConstBuffer& rows,
                                                           const Buffer& reduced, Reduce reduce,
                                                           Location location);

  void all_reduce_buffer(const Buffer& values, Reduce reduce, const Location& location) const;
  // Reduces `values` by `reduce` for what is compared and logged as `record`.
  void all_reduce_as(const CallRecord& record, const Buffer& values, Reduce reduce) const;

  StrategyCore& core_;
  const Context context_;
};

}  // namespace counterpoint::inline v1
