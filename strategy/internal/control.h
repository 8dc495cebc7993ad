// How ranks agree before anything moves: one reduction of 64 bytes, always the same, whatever its
// occasion, so that any two control calls match and a difference is named instead of deadlocking.
//
//   control.post({.occasion = kEnd, .calls = log.digest(), .ended = true});   // does not wait
//   const Verdict verdict = control.wait();                                   // later
//   if (verdict.failed_rank) throw AgreedError(control.share_error(mine, *verdict.failed_rank));
//
// Thread-safety: one thread at a time. Errors: deadline_exceeded and others of the communicator's.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1 {

// What a rank is about to do.
struct Proposal {
  // Equal on all ranks that have one, or they have diverged.
  std::optional<std::uint64_t> occasion;
  std::optional<std::uint64_t> calls;  // digest of the calls so far, to be compared
  bool calls_differ = false;           // on this rank alone already
  std::optional<std::uint64_t> turn;   // the stream that this rank's replicas draw from in turn
  bool failed = false;
  bool ended = false;  // is outside of a run, or at a posted end of one: answers no turns
  bool is_logged =
      false;  // what it is about to do is the last call of its logs; for this rank alone
};

// What all ranks together are about to do; the same on every rank.
struct Verdict {
  std::optional<int> failed_rank;  // the first
  bool occasions_agree = true;
  bool calls_agree = true;
  std::optional<std::uint64_t> turn;  // what stands for the stream that is drawn in turn, if one is
  bool turns_agree = true;
  std::optional<int> ended_rank;  // the first
};

class Control {
 public:
  // `communicator` carries control traffic alone.
  explicit Control(std::shared_ptr<Communicator> communicator);
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  // Starts the reduction and returns. Collective; at most one is under way.
  void post(const Proposal& proposal);
  bool posted() const noexcept { return posted_; }
  // Waits for it, with the communicator's deadline.
  Verdict wait();
  Verdict exchange(const Proposal& proposal) {
    post(proposal);
    return wait();
  }

  // For a rank that cannot go on: the others' operations throw `reason`. Not collective.
  void revoke(const Error& reason) noexcept { communicator_->revoke(reason); }
  // Whether another rank has given up waiting for this one. Not collective. Errors: what another
  // rank cannot go on for.
  bool is_missed() { return communicator_->is_missed(); }
  // The other ranks of which nothing is heard here since one has given up. Not collective.
  std::vector<int> silent_ranks() noexcept { return communicator_->silent_ranks(); }
  // Rank `root`'s error, on every rank. Collective; `error` is looked at on rank `root`.
  Error share_error(const Error& error, int root);

 private:
  static constexpr std::size_t kMostText = 2048;
  static constexpr std::size_t kWords = 8;

  std::shared_ptr<Communicator> communicator_;
  std::array<std::int64_t, kWords> frame_{};
  Work work_;  // after the frame that it refers to
  bool posted_ = false;
};

}  // namespace counterpoint::inline v1
