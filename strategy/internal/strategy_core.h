// A strategy's inside, shared by everything made in it: ranks, replicas, their call logs, the run
// that is on, and what generators ask of their domain. Outlives the MirroredStrategy as long as a
// generator or variable of it does.
//
//   auto core = StrategyCore::create(world, options);
//   core->run([](ReplicaContext& replica) { ... });
//
// Thread-safety: what replicas call (meet, record, make_store, entropy_state, reserve_in_turn) from
// their threads; the rest by the thread that runs the strategy.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/stream_domain.h"
#include "counterpoint/strategy/internal/agreement.h"
#include "counterpoint/strategy/internal/local_replica.h"
#include "counterpoint/strategy/internal/mirrored_objects.h"
#include "counterpoint/strategy/internal/rendezvous.h"
#include "counterpoint/strategy/internal/replica_threads.h"
#include "counterpoint/strategy/mirrored_strategy.h"

namespace counterpoint::inline v1 {

class StrategyCore final : public StreamDomain, public std::enable_shared_from_this<StrategyCore> {
 public:
  // Ranks of different versions may not be in step: what they do differs in ways that no call
  // shows.
  static constexpr std::uint64_t kProtocolVersion = 5;

  // Collective.
  static std::shared_ptr<StrategyCore> create(const std::shared_ptr<Communicator>& world,
                                              StrategyOptions options,
                                              std::uint64_t protocol_version = kProtocolVersion);
  ~StrategyCore() override;

  int rank() const noexcept { return payload_->rank(); }
  int num_ranks() const noexcept { return payload_->size(); }
  int replicas_per_rank() const noexcept { return options_.replicas_per_rank; }
  double timeout_seconds() const noexcept { return payload_->timeout_seconds(); }
  int num_replicas() const noexcept { return num_ranks() * replicas_per_rank(); }
  int first_replica_id() const noexcept { return rank() * replicas_per_rank(); }
  const StrategyOptions& options() const noexcept { return options_; }
  std::string describe() const;
  bool running() const noexcept { return running_; }
  Communicator& payload() noexcept { return *payload_; }
  Context cross_replica_context();
  Context replica_context(int local_index);

  // StreamDomain
  const std::string& name() const noexcept override { return options_.name; }
  std::shared_ptr<StateStore> make_store(const Context& context, const StreamDefinition& definition,
                                         const StreamState& state, StreamOrigin origin,
                                         const StreamLayout& layout) override;
  StreamState entropy_state(const Context& context, const StreamOrigin& origin) override;
  Reservation reserve_in_turn(const Context& context, PlainStore& store, const CallRecord& record,
                              std::uint64_t blocks) override;

  // ---- runs
  void run(const std::function<void(ReplicaContext&)>& function);
  void enter();
  void leave(const std::optional<Error>& error) noexcept;
  // Why the one replica leaves a run that it entered, as every rank is told.
  Error left_in_failure(const std::string& why) const;
  void meet(const Context& context, Request& request);
  // Stands for the run that is on, in its process: the same object until the next begins, and never again
  // as long as somebody holds it.
  std::shared_ptr<const void> run_token();

  // ---- calls
  LocalReplica& replica(int local_index) {
    return replicas_[static_cast<std::size_t>(local_index)];
  }
  // Logs a call made by every replica of this rank.
  void record_for_all(std::uint64_t stream, const CallRecord& record);
  // Errors: failed_precondition where something of this strategy may not be used from `context`: in
  // another strategy, on a thread without context while a run is on, after the strategy stopped.
  // `what` is told in the message.
  void check_use(const Context& context, const std::string& what) const;
  // The same for calls that all ranks make together outside of a run.
  void check_cross_replica(const Context& context, const char* what,
                           bool communicates = true) const;
  // All ranks agree to make the call of `record`, or all throw; `local_error` makes all ranks throw
  // it.
  void agree(const CallRecord& record, const std::optional<Error>& local_error = std::nullopt) {
    agree(record, local_error, agreement_.compares_runs(), {});
  }
  // What a call that is agreed upon is of: what stands for it in the calls that are logged, and words.
  struct CalledUpon {
    std::uint64_t stream = 0;
    std::string what = {};
  };
  void agree(const CallRecord& record, const CalledUpon& of) {
    agree(record, std::nullopt, agreement_.compares_runs(), of);
  }
  // Does what ranks agreed to do together. A rank that cannot (no memory, a deadline) tells the
  // others, and the strategy stops. `here` is what it does, for messages, if it is not logged yet.
  void together(const std::function<void()>& action, const Agreement::Describe& here = {});
  void check(const std::source_location& location);

  // ---- what is mirrored
  void add(const std::shared_ptr<MirroredObject>& object) { objects_.add(object); }
  // How many came before of what is made with a name or at a line, which `origin` stands for.
  std::int64_t next_of(const Context& context, std::uint64_t origin);
  // How often a parent was split before in the state in which it gave the child of `origin`: reset since, it
  // gives children of one origin again. The last splits alone are remembered, alike on every rank.
  std::int64_t times_split_before(const StreamOrigin& origin);
  // Before a save of `object`: its replicas are alike, or it keeps each one's copy for the save, or
  // all ranks throw.
  void begin_save(MirroredObject& object, const std::source_location& location,
                  const ValueReader& reader);
  // Before a restore of `object`: every rank is about to.
  void begin_restore(const MirroredObject& object, const std::source_location& location);
  // Errors: failed_precondition unless each of `count` replicas may get a copy of its own.
  void check_each_assignable(std::int64_t count, const std::string& what) const;

  const std::vector<Divergence>& divergences() const noexcept { return agreement_.divergences(); }
  std::int64_t num_divergences() const noexcept { return agreement_.num_divergences(); }

  // The MirroredStrategy goes: waits for what its last run left open.
  void close() noexcept;

 private:
  StrategyCore(const std::shared_ptr<Communicator>& world, StrategyOptions options);

  void agree_on_options(const std::optional<Error>& refused, std::uint64_t protocol_version);
  void agree(const CallRecord& record, const std::optional<Error>& local_error, bool compare_calls,
             const CalledUpon& of);
  void check_can_run(const char* what);
  void begin_run();
  void finish_run();
  std::optional<Error> call_replica(const std::function<void(ReplicaContext&)>& function,
                                    int local_index) noexcept;
  // The strategy can do nothing any more. Returns the error with where the last calls are.
  Error stop(const Error& error);
  Error with_last_calls(const Error& error) const;
  Error give_up(const Error& error);

  StrategyOptions options_;
  const std::shared_ptr<Communicator> payload_;
  std::vector<LocalReplica> replicas_;
  MirroredObjects objects_;
  OutsideStores outside_;
  Agreement agreement_;
  Rendezvous rendezvous_;
  std::unique_ptr<ReplicaThreads> threads_;
  std::vector<std::uint64_t> entropy_;

  std::atomic<bool> running_ = false;
  bool closed_ = false;
  std::optional<Error> stopped_;
  std::atomic<bool> has_stopped_ =
      false;  // after stopped_ was written, which stays; for any thread

  std::mutex origins_mutex_;
  // How many generators or variables of an origin were made, in cross-replica context (-1) or by a
  // replica in a run.
  using MadeOf = std::map<std::pair<int, std::uint64_t>, std::int64_t>;
  MadeOf made_;
  MadeOf made_in_run_;
  static constexpr std::size_t kMostKeptSplits = 1024;
  std::map<std::uint64_t, std::int64_t>
      splits_;                             // how often each was repeated, by the children's parent
  std::deque<std::uint64_t> kept_splits_;  // in the order in which they were first made
  std::shared_ptr<const void> run_token_;  // made when first asked for
};

}  // namespace counterpoint::inline v1
