// Many replicas as one program: tf.distribute.MirroredStrategy over MPI ranks x local replicas.
//
//   auto world = cp::Communicator::world(&argc, &argv);
//   cp::MirroredStrategy strategy(world, {.replicas_per_rank = 2});
//   auto scope = strategy.scope();
//   auto noise = cp::Generator::from_seed(1);           // in scope: one stream a replica
//   strategy.run([&](cp::ReplicaContext& replica) { use(noise.normal<float>({32, 64})); });
//
// Every rank makes the same strategy and the same calls in the same order. Replica ids are
// rank * replicas_per_rank + local index; with several replicas a rank, each runs on a thread of
// its own while the thread that called run() makes every MPI call; with one, it runs on the calling
// thread.
//
// Before a payload moves, ranks compare what they are about to do in a fixed 64-byte reduction, so
// that a difference is an error that names both calls, on every rank, and never a deadlock. The end
// of a run does not wait for the other ranks: what they did otherwise in it is named by the next
// call of the strategy's (a collective, the end of the next run, check(), a save or a restore). An
// exception in a replica's function ends the run with an error on every rank; the strategy is then
// unusable, and each rank's last calls are in a file that the error names (see StrategyOptions).
//
// A replica that does not come within the deadline while others of its rank wait, or have left, ends
// the run on every rank too. Its thread cannot be stopped: it goes on alone, and sleeps for good at
// its next collective or return. A function given as a temporary stays with what it captured by
// value; what else it refers to should stay, so end the process soon.
//
// Thread-safety: one thread at a time, the one that may call MPI. Determinism: see ReplicaContext.
// Errors: diverged, deadline_exceeded, failed_precondition; an Error thrown by a replica keeps its
// code.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/context.h"
#include "counterpoint/runtime/stream_layout.h"
#include "counterpoint/runtime/tensor.h"
#include "counterpoint/strategy/mirrored_variable.h"
#include "counterpoint/strategy/per_replica.h"
#include "counterpoint/strategy/replica_context.h"
#include "counterpoint/strategy/strategy_options.h"

namespace counterpoint::inline v1 {

// While it lives, the calling thread is this rank's one replica. Leaving is collective, as the end
// of a run is; what goes wrong then is thrown by the strategy's next call.
class COUNTERPOINT_PUBLIC ReplicaGuard {
 public:
  explicit ReplicaGuard(std::shared_ptr<StrategyCore> core);
  ReplicaGuard(const ReplicaGuard&) = delete;
  ReplicaGuard& operator=(const ReplicaGuard&) = delete;
  ~ReplicaGuard();

  const ReplicaContext& operator*() const noexcept { return replica_; }
  const ReplicaContext* operator->() const noexcept { return &replica_; }

  // What every rank's error is to say of why this replica leaves. A guard that an exception
  // destroys cannot read it, and tells of the replica's last call alone: where it matters,
  // catch (const std::exception& error) { replica.fail(error.what()); throw; }
  void fail(std::string why) noexcept { failure_ = std::move(why); }

 private:
  std::shared_ptr<StrategyCore> core_;
  std::optional<std::string> failure_;
  std::optional<ContextGuard> guard_;
  ReplicaContext replica_;
  int uncaught_exceptions_;
};

// While it lives, the calling thread is in the strategy's cross-replica context.
class COUNTERPOINT_PUBLIC StrategyScope {
 public:
  explicit StrategyScope(std::shared_ptr<StrategyCore> core);

 private:
  std::shared_ptr<StrategyCore> core_;
  ContextGuard guard_;
};

class COUNTERPOINT_PUBLIC MirroredStrategy {
  using Location = std::source_location;

 public:
  // Collective over `world`, which is duplicated and not used otherwise.
  // Errors: invalid_argument for options out of range; diverged where ranks give different ones, or
  // run different versions.
  explicit MirroredStrategy(const std::shared_ptr<Communicator>& world,
                            StrategyOptions options = {}, Location location = Location::current());
  // One rank: all replicas are threads of this process.
  explicit MirroredStrategy(StrategyOptions options, Location location = Location::current());
  MirroredStrategy(const MirroredStrategy&) = delete;
  MirroredStrategy& operator=(const MirroredStrategy&) = delete;
  // Waits for the other ranks to end the last run. What they did otherwise in it can be thrown no
  // more, and is written with the last calls alone: check() before where it matters.
  ~MirroredStrategy();

  int rank() const noexcept;
  int num_ranks() const noexcept;
  int replicas_per_rank() const noexcept;
  int num_replicas_in_sync() const noexcept;
  const std::string& name() const noexcept;
  // "strategy made at train.cc:8: 4 replicas, 2 on each of 2 ranks (MPI, rank 0 of 2)"
  std::string describe() const;

  // The calling thread is in this strategy's cross-replica context until the guard goes: generators
  // and variables made meanwhile are mirrored.
  [[nodiscard]] StrategyScope scope();

  // Calls `function(replica, arguments...)` as every replica of this rank, each with its own
  // element of the arguments that are PerReplica; returns their results. Collective.
  template <class Function, class... Arguments>
  auto run(Function&& function, Arguments&&... arguments);

  // The replicas on named axes, the last one fastest; see StreamLayout.
  // Errors: invalid_argument unless the lengths multiply to the number of replicas.
  ReplicaGrid grid(std::vector<GridAxis> axes) const {
    return ReplicaGrid(std::move(axes), num_replicas_in_sync());
  }

  // For a trainer with a loop of its own. Errors: failed_precondition unless replicas_per_rank
  // is 1.
  [[nodiscard]] ReplicaGuard enter_replica();

  // Zeros.
  template <Element T>
  MirroredVariable variable(Shape shape, std::string name = {},
                            Location location = Location::current()) {
    return variable(Tensor(dtype_of<T>, std::move(shape)), std::move(name), location);
  }
  // Rank 0's `initial`, on every replica. Collective.
  MirroredVariable variable(const Tensor& initial, std::string name = {},
                            Location location = Location::current());

  // The reduction over all replicas of all ranks, in order of replica id on each rank, then of
  // rank. Collective, cross-replica. Errors: invalid_argument for shapes that differ or a mean of
  // integers.
  Tensor reduce(Reduce reduce, const PerReplica<Tensor>& values,
                Location location = Location::current());
  template <Element T>
  T reduce(Reduce reduce_by, const PerReplica<T>& values, Location location = Location::current()) {
    return reduce(reduce_by, as_tensors(values), location).template item<T>();
  }

  // Every rank has rank `root`'s values. Collective, cross-replica.
  void broadcast(Tensor& values, int root = 0, Location location = Location::current());
  template <ElementRange R>
  void broadcast(R&& values, int root = 0, Location location = Location::current()) {
    using T = std::ranges::range_value_t<R>;
    broadcast_buffer(Buffer::of(std::span<T>(values)), root, location);
  }

  // All replicas' values joined along `axis`, in order of replica id; the other lengths must agree.
  // Collective, cross-replica.
  Tensor gather(const PerReplica<Tensor>& values, int axis = 0,
                Location location = Location::current());
  // All replicas' numbers, in order of replica id.
  template <Element T>
  std::vector<T> gather(const PerReplica<T>& values, Location location = Location::current()) {
    PerReplica<Tensor> tensors = as_vectors(values);
    const Tensor all = gather(tensors, 0, location);
    const std::span<const T> span = all.template values<T>();
    return {span.begin(), span.end()};
  }

  // Whether `flag` is set on any rank. Collective, cross-replica.
  bool any(bool flag, Location location = Location::current());

  // Compares every replica's calls so far, on all ranks, whatever OnDivergence says of runs.
  // Collective. Errors: diverged.
  void check(Location location = Location::current());

  // With OnDivergence::adopt_first: how often replicas were given the first one's state, and the
  // last such occasion. The same on every rank. Errors: failed_precondition if there was none.
  std::int64_t num_divergences() const noexcept;
  const Divergence& last_divergence() const;

 private:
  using ReplicaFunction = std::function<void(ReplicaContext&)>;

  template <class T>
  PerReplica<Tensor> as_tensors(const PerReplica<T>& values) const {
    std::vector<Tensor> tensors;
    for (const T& value : values) tensors.push_back(Tensor::scalar<T>(value));
    return {std::move(tensors), values.replica_id(0)};
  }
  template <class T>
  PerReplica<Tensor> as_vectors(const PerReplica<T>& values) const {
    std::vector<Tensor> tensors;
    for (const T& value : values) tensors.push_back(Tensor::from<T>({value}, {1}));
    return {std::move(tensors), values.replica_id(0)};
  }
  // Errors: invalid_argument unless there is one value for each of this rank's replicas.
  void check_argument_size(std::size_t size) const;
  void run_replicas(const ReplicaFunction& function);
  void broadcast_buffer(const Buffer& values, int root, const Location& location);

  std::shared_ptr<StrategyCore> core_;
};

namespace detail {

template <class T>
struct IsPerReplica : std::false_type {};
template <class T>
struct IsPerReplica<PerReplica<T>> : std::true_type {};

template <class Argument>
decltype(auto) of_replica(Argument& argument, int local_index) {
  if constexpr (IsPerReplica<std::remove_const_t<Argument>>::value) {
    return argument[static_cast<std::size_t>(local_index)];
  } else {
    return (argument);
  }
}

// A pointer to `function`: to a copy that lives as long as the pointer, unless it is the caller's
// own.
template <class Function>
auto hold(Function&& function) {
  if constexpr (std::is_lvalue_reference_v<Function>) {
    return &function;
  } else {
    return std::make_shared<Function>(std::move(function));
  }
}

}  // namespace detail

template <class Function, class... Arguments>
auto MirroredStrategy::run(Function&& function, Arguments&&... arguments) {
  [[maybe_unused]] const auto check = [&]<class Argument>(const Argument& argument) {
    if constexpr (detail::IsPerReplica<Argument>::value) check_argument_size(argument.size());
  };
  (check(arguments), ...);

  using Result =
      decltype(function(std::declval<ReplicaContext&>(), detail::of_replica(arguments, 0)...));
  // A replica that hangs may come to this when the caller has gone.
  const auto held = detail::hold(std::forward<Function>(function));
  if constexpr (std::is_void_v<Result>) {
    run_replicas([held, &arguments...](ReplicaContext& replica) {
      (*held)(replica, detail::of_replica(arguments, replica.local_index())...);
    });
  } else {
    using Value = std::decay_t<Result>;
    const auto results = std::make_shared<std::vector<std::optional<Value>>>(
        static_cast<std::size_t>(replicas_per_rank()));
    run_replicas([held, results, &arguments...](ReplicaContext& replica) {
      (*results)[static_cast<std::size_t>(replica.local_index())] =
          (*held)(replica, detail::of_replica(arguments, replica.local_index())...);
    });
    std::vector<Value> values;
    values.reserve(results->size());
    for (auto& result : *results) values.push_back(std::move(*result));
    return PerReplica<Value>(std::move(values), rank() * replicas_per_rank());
  }
}

}  // namespace counterpoint::inline v1
