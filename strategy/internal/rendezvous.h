// Where the replicas of a rank meet, and the rank meets the others: one step at a time, in which
// either all replicas do the same thing, or the difference is named on every rank.
//
// A replica hands in what it wants and sleeps; when none of the rank's replicas is running any
// more, the thread that called run takes the step: it compares the local replicas, agrees with the
// other ranks by one control reduction, moves the payload and wakes the replicas. With one replica
// a rank all of that happens on its own thread. A rank whose replicas have all left goes on taking
// steps until every rank's have, so that no rank waits for one that has gone.
//
// Thread-safety: meet() by the replicas' threads, the rest by the thread that runs the strategy.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "counterpoint/runtime/call_record.h"
#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/draw_lock.h"
#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/state_store.h"
#include "counterpoint/strategy/internal/call_log.h"
#include "counterpoint/strategy/internal/control.h"

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
};

// A replica of this rank: its call log, under its lock.
struct alignas(128) LocalReplica {
  DrawLock lock;
  CallLog log;
};

class Rendezvous {
 public:
  struct Options {
    int first_replica_id = 0;
    int replicas_per_rank = 1;
    double timeout_seconds = 0;
  };

  // `replicas` has one entry a local replica and outlives this; so do the two communicators' users.
  Rendezvous(const Options& options, std::vector<LocalReplica>& replicas, Control& control,
             std::shared_ptr<Communicator> payload);

  // Before a run: all replicas are running.
  void begin();
  // By replica `local_index`: returns when the request was carried out. Throws what ended the run.
  void meet(int local_index, Request& request);
  // By replica `local_index`, or for it: its function returned, or threw `error`.
  void leave(int local_index, const std::optional<Error>& error);
  // Takes steps until the run has ended on every rank and no local replica is running.
  void serve();

  // What ended the run, if it ended badly.
  const std::optional<Error>& failure() const noexcept { return failure_; }

 private:
  enum class Status : std::uint8_t { running, waiting, left };
  struct Slot {
    Status status = Status::running;
    Request* request = nullptr;
    std::optional<Error> error;
  };

  bool settled() const;
  bool all_left() const;
  void wait_until_settled(std::unique_lock<std::mutex>& lock);
  void step(std::unique_lock<std::mutex>& lock);
  void fail(const Error& error);
  // This rank alone cannot go on: the others are told, and do not wait for it.
  void give_up(const Error& error);

  Proposal propose();
  std::optional<Error> local_difference() const;
  std::optional<Error> log_difference() const;
  std::optional<std::uint64_t> calls_digest() const;
  std::string describe(const Slot& slot) const;
  std::string describe_rank() const;
  Error difference_between_ranks(const Verdict& verdict);
  void carry_out(const Verdict& verdict);
  void all_reduce();
  void take_turns(std::uint64_t stream);

  const Options options_;
  std::vector<LocalReplica>& replicas_;
  Control& control_;
  const std::shared_ptr<Communicator> payload_;

  std::mutex mutex_;
  std::condition_variable settled_;
  std::condition_variable carried_out_;
  std::vector<Slot> slots_;
  bool ended_ = false;
  std::optional<Error> failure_;
  std::vector<std::byte> staging_;
  // Generators made outside that were drawn in turn, by what stands for them in a verdict.
  std::map<std::uint64_t, std::weak_ptr<PlainStore>> outside_stores_;
};

// The error that names the first call in which the ranks' logs differ. Collective.
Error log_difference_between_ranks(Control& control, Communicator& payload, int first_replica_id,
                                   const CallLog& log);

}  // namespace counterpoint::inline v1
