// How a strategy is made: how many replicas, how long they wait for each other, what is compared,
// and what happens where they differ.
//
//   cp::MirroredStrategy strategy(world, {.replicas_per_rank = 2, .timeout_seconds = 60,
//                                         .on_divergence = cp::OnDivergence::adopt_first});
//   strategy.run(step);
//   if (strategy.num_divergences() > 0) log(strategy.last_divergence().to_string());
//
// All ranks give the same replicas_per_rank, on_divergence, collective_checks and turns; others are
// `diverged`, on every rank, when the strategy is made. The rest is each rank's own affair.
// Thread-safety: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "counterpoint/kernels/export.h"

namespace counterpoint::inline v1 {

// What happens where replicas made different calls. Whatever the choice, replicas that want
// different things of each other at once, such as two collectives, end the run on every rank.
enum class OnDivergence : std::uint8_t {
  // An error on every rank that names the first call that differs; the strategy is unusable then.
  stop,
  // Calls are not compared in runs. A save throws where the states of what it saves differ, and
  // writes nothing; the strategy goes on. TensorFlow asks for no more.
  stop_at_saves,
  // Every replica gets the first replica's state: generators and variables. What was adopted stands
  // in last_divergence().
  adopt_first,
  // Calls are not compared in runs. A save of replicas that differ holds the state of each, which
  // can be restored exactly on as many replicas with this choice, and is refused by any others.
  save_all,
};

// When the collectives of a run are compared between ranks.
enum class CollectiveChecks : std::uint8_t {
  // Before their payload moves: a difference is named, and changes no values.
  before_payload,
  // With all other calls, at the end of the run: a reduction the less for each collective. One that
  // differs can hang until the deadline or mix up values before it is named. Where shapes differ MPI
  // may notice first, and ends the job unless MPI_COMM_WORLD has MPI_ERRORS_RETURN, as it has where
  // Communicator::world() initialised MPI.
  at_end_of_run,
};

// How replicas take turns on a generator that was made outside of the strategy.
enum class Turns : std::uint8_t {
  // By asking all replicas in each round: they may draw different shapes, or not at all. One that has left
  // the run draws nothing, nor does one that waits at a collective, unless collectives are compared at the
  // end of the run only. Those that draw in a round draw from one generator: where turns on it were taken
  // unevenly, a collective comes before those on another. Every rank must have drawn once, of no elements even.
  agreed,
  // Without a message: every replica draws the same in the same order, and so knows its place. The
  // comparison at the end of the run proves it. Only with OnDivergence::stop. In a run, state()
  // gives what the run began with.
  assumed_equal,
};

struct StrategyOptions {
  int replicas_per_rank = 1;  // 1 to 4,096
  // How long a replica waits for the others; as long as the communicator's own operations do, if
  // not set.
  std::optional<double> timeout_seconds = std::nullopt;
  // For messages; where it was made, if empty.
  std::string name{};
  OnDivergence on_divergence = OnDivergence::stop;
  CollectiveChecks collective_checks = CollectiveChecks::before_payload;
  Turns turns = Turns::agreed;
  // Whether a save compares the values of what it saves, replica by replica, where calls are compared
  // in runs: equal calls may still have assigned different values. Each rank reads what is saved once,
  // at some 10 GB/s. Always so with stop_at_saves and save_all.
  bool compare_values_at_saves = true;
  // Where each rank of a strategy that stopped leaves its last calls, as
  // counterpoint-last-calls-rank-R.txt of at most 64 KiB, which the error names; R-2 and so on for
  // further strategies of the process. A file of an earlier process is replaced. If not set, the
  // folder that COUNTERPOINT_LAST_CALLS_FOLDER names, else the working directory; empty for none.
  std::optional<std::string> last_calls_folder = std::nullopt;
};

// A difference that was healed by adopting the first replica's state.
struct COUNTERPOINT_PUBLIC Divergence {
  std::int64_t run = 0;              // in which it was noticed, from 0
  std::string message;               // the first calls that differ, and where they were made
  std::vector<std::string> adopted;  // what changed on some replica: "generator 'noise'", ...

  // The message, and a line for each adopted object.
  std::string to_string() const;
};

}  // namespace counterpoint::inline v1
