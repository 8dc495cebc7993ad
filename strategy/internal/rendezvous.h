// Where the replicas of a rank meet, and the rank meets the others: one step at a time, in which
// either all replicas do the same thing, or the difference is named on every rank.
//
// A replica hands in what it wants and sleeps; when none of the rank's replicas is running any
// more, the thread that called run takes the step: it compares the local replicas, agrees with the
// other ranks by one control reduction, moves the payload and wakes the replicas. With one replica
// a rank all of that happens on its own thread. Turns on generators made outside come first: replicas
// at a collective wait meanwhile, and draw nothing. When all have left, the rank posts its end and goes
// on; but if they have ever taken turns on a generator made outside, it goes on taking steps until
// every rank's replicas have left, since its copy of that generator moves with the others' turns.
//
// Thread-safety: meet() and leave() by the replicas' threads, the rest by the thread that runs the
// strategy.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "counterpoint/runtime/call_record.h"
#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/state_store.h"
#include "counterpoint/strategy/internal/agreement.h"
#include "counterpoint/strategy/internal/local_replica.h"
#include "counterpoint/strategy/internal/outside_stores.h"
#include "counterpoint/strategy/strategy_options.h"

namespace counterpoint::inline v1 {

// What a replica wants to do with all the others.
struct Request {
  CallRecord record = {};
  // all_reduce
  Reduce reduce = Reduce::sum;
  Buffer values = {};
  // A draw on a store made outside, if `store` is set.
  PlainStore* store = nullptr;
  std::uint64_t blocks = 0;
  Reservation reserved = {};
  std::exception_ptr refused = {};  // the turn, which moved the state all the same
};

class Rendezvous {
 public:
  // What is referred to outlives this; `replicas` has one entry a local replica.
  Rendezvous(const StrategyOptions& options, std::vector<LocalReplica>& replicas,
             OutsideStores& outside, Agreement& agreement, std::shared_ptr<Communicator> payload);

  // Before a run: all replicas are running.
  void begin();
  // By replica `local_index`: returns when the request was carried out. Throws what ended the run.
  void meet(int local_index, Request& request);
  // By replica `local_index`, or for it: its function returned, or threw `error`.
  void leave(int local_index, const std::optional<Error>& error);
  // Takes steps until this rank's part of the run has ended and no local replica is running, or the
  // deadline for those that are has passed.
  void serve();

  // What ended the run, if it ended badly.
  const std::optional<Error>& failure() const noexcept { return failure_; }
  // A replica did not come back before the deadline. Its thread goes on alone, and sleeps for good
  // when it next comes here.
  bool abandoned() const noexcept { return abandoned_; }

 private:
  enum class Status : std::uint8_t { running, waiting, left };
  struct Slot {
    Status status = Status::running;
    Request* request = nullptr;
    std::optional<Error> error;
    int queued = 0;  // threads of the replica that wait until another's request was carried out
  };

  void wait_for_other_threads(std::unique_lock<std::mutex>& lock, Slot& slot,
                              const Request& request);
  // Errors: failed_precondition on a thread that may not make the communicator's calls.
  void ensure_can_step() const;
  bool settled() const;
  bool all_left() const;
  void wait_until_settled(std::unique_lock<std::mutex>& lock);
  // Replicas are running that others have given up waiting for.
  void give_up_on_running(const std::string& why);
  void wait_until_left(std::unique_lock<std::mutex>& lock);
  void step(std::unique_lock<std::mutex>& lock);
  // Whether it was a round of turns.
  bool step_together();
  // A replica that draws in turn, if one does.
  const Slot* drawing() const;
  void fail(const Error& error);
  // This rank alone cannot go on: the others are told, and do not wait for it.
  void give_up(const Error& error);

  bool ends_without_waiting();
  Proposal propose(bool failed) const;
  std::optional<Error> local_fault() const;
  std::optional<Error> differing_requests() const;
  std::string describe(const Slot& slot) const;
  std::string describe_rank() const;
  void carry_out(const Verdict& verdict);
  void all_reduce();
  void all_reduce_unchecked();
  void take_turns(std::uint64_t turn);
  void check_turn_states(std::span<const std::uint64_t> rows, std::size_t row_size,
                         const PlainStore* store);

  const StrategyOptions& options_;
  std::vector<LocalReplica>& replicas_;
  OutsideStores& outside_;
  Agreement& agreement_;
  const std::shared_ptr<Communicator> payload_;

  std::mutex mutex_;
  std::condition_variable settled_;
  std::condition_variable carried_out_;
  std::vector<Slot> slots_;
  bool ended_ = false;
  bool abandoned_ = false;
  std::optional<Error> failure_;
  std::vector<std::byte> staging_;
};

}  // namespace counterpoint::inline v1
