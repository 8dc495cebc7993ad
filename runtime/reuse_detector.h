// Finds random numbers that a program uses twice: a debug mode, off by default.
//
//   const cp::ReuseDetector detector;          // watches the generators made while it lives
//   auto a = cp::Generator::from_seed(1);
//   auto b = cp::Generator::from_seed(257);    // small integers land in the counter: these overlap
//   a.normal<float>({3}); b.normal<float>({3});  // throws, naming both lines
//
// Or for a whole job, unchanged: COUNTERPOINT_DETECT_REUSE=1 in every rank's environment (any value but
// an empty one and 0) watches all generators of the process, and a draw that reuses throws.
//
// What a draw takes is what it reserves: 256 blocks an element from its counter on, under its key, read
// or not. Streams that meet in what they reserve are one stream; whether two draws of it read the same
// block is an accident of their shapes. Blocks that `skip` passes are not taken.
// An empty draw takes nothing, but for TensorFlow's binomial, which reserves blocks then too.
// Reported: two generators with one seed or with counters that overlap, made one after the other too (in
// a run, each run makes its own again, of streams that replicas share too: seed them by the step, or make
// one in scope); a copy, a view by
// for_replica, or a restored state drawn beside the original; a child of `split` that meets a replica's
// stream; after a restore, blocks that any generator had taken before the save.
// Not reported: stateless functions; identical streams, streams equal along an axis, sharded draws; what
// ranks draw alike; an object that meets its own blocks, which takes a counter that wraps.
// An object that is reset, restored or skipped backwards gives back what it took of that stream, the key
// that it then has, from that counter on; what it took of other keys or before it stays taken. With a
// restore so do gone objects of its name (without one: of its line), and with a reset those among them that
// began with the same state as it (any of a name, and any from before a restored checkpoint): so a
// training loop may recover from a checkpoint, and a view that was drawn for a look be reset afterwards.
// Replicas that skip backwards in turn give back on every rank; where turns are assumed to be equal,
// replicas run ahead of each other, and one that skips may give back what another drew after it.
// What is made anew after a restore in the same process, generators and children of a split done again,
// was not restored, so that repeating the lost steps' draws by it is reported. Reset it where it is made,
// child.reset(child.state()), once the earlier one of that line has gone; or make it before, and save it.
//
// A rank watches its own draws. Where a checkpoint is saved, the ranks' ledgers are compared, and saved: a
// replica's stream, of a strategy's generator, that meets another stream on another rank is reported
// there, on every rank. Two plain generators on two ranks are not compared, since ranks of a program that
// draw the same on purpose look alike: generators seeded by the rank, from_seed(rank), overlap unseen.
// Take for_replica, split, or a seed of a list, {seed, rank}. Ranks that are threads of one process are
// not told apart. What is saved is the union: of a block that several ranks took, the lowest of them.
// Memory is flat while streams go forward: a generator's contiguous draws are one range, with the first
// 8 lines that drew it. Others begin at a skip, with a new generator or child, and where replicas of
// other ranks draw in turn. Beyond `max_ranges` the range that was longest not drawn is forgotten.
//
// Thread-safety: draws may report from any thread; a ReuseDetector is made, read and destroyed by one
// thread at a time. Determinism: changes no number. Cost: a draw of an unwatched generator checks one
// pointer, 2 instructions; a watched one takes a lock and a look-up, 12 to 18 ns on a Zen 5
// (bench/reuse.cc).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "counterpoint/kernels/export.h"

namespace counterpoint::inline v1 {

class DrawLedger;

enum class ReuseAction : std::uint8_t {
  stop,     // the draw throws failed_precondition, and moves nothing; one in turn has moved
  collect,  // the draw goes on; ReuseDetector::reuses() tells of it
};

struct ReuseDetectorOptions {
  ReuseAction on_reuse = ReuseAction::stop;
  // Ranges to remember: of 390 bytes where an object has many, of 760 where each is another object's, and
  // of up to 580 more where several lines drew one (measured with glibc; tests/runtime/reuse_ledger_test).
  std::size_t max_ranges = std::size_t{1} << 18;
};

// Draws by one generator of what another took.
struct Reuse {
  std::string message;     // what a stopped draw would throw, of the first time
  std::int64_t times = 1;  // between the same generators on the same lines
};

class COUNTERPOINT_PUBLIC ReuseDetector {
 public:
  // Watches generators that are made from now on, until it is destroyed; generators that it watches may
  // outlive it, and are still watched then. Errors: failed_precondition while another one lives.
  explicit ReuseDetector(ReuseDetectorOptions options = {});
  ReuseDetector(const ReuseDetector&) = delete;
  ReuseDetector& operator=(const ReuseDetector&) = delete;
  ~ReuseDetector();

  // What was collected, in the order it was found; at most 1,000 different ones.
  std::vector<Reuse> reuses() const;
  // Ranges remembered now.
  std::size_t num_ranges() const;
  // Ranges forgotten for want of room: reuse of those is not seen.
  std::size_t num_forgotten() const;

 private:
  std::shared_ptr<DrawLedger> ledger_;
};

}  // namespace counterpoint::inline v1
