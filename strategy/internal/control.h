// How ranks agree before anything moves: one reduction of 64 bytes, always the same, whatever its
// occasion, so that any two control calls match and a difference is named instead of deadlocking.
//
//   const Verdict verdict = control.exchange({.occasion = record.fingerprint(), .calls =
//   log.digest()}); if (!verdict.occasions_agree) throw Error(ErrorCode::diverged,
//   control.tell_all(my_description));
//
// Thread-safety: one thread at a time. Errors: deadline_exceeded and others of the communicator's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1 {

// What a rank is about to do.
struct Proposal {
  std::uint64_t occasion = 0;          // equal on all ranks, or they have diverged
  std::optional<std::uint64_t> calls;  // digest of the calls so far, to be compared
  std::optional<std::uint64_t> turn;   // the stream that this rank's replicas draw from in turn
  bool failed = false;
};

// What all ranks together are about to do; the same on every rank.
struct Verdict {
  std::optional<int> failed_rank;  // the first
  bool occasions_agree = true;
  bool calls_agree = true;
  std::optional<std::uint64_t> turn;  // what stands for the stream that is drawn in turn, if one is
  bool turns_agree = true;
};

class Control {
 public:
  // `communicator` carries control traffic alone.
  explicit Control(std::shared_ptr<Communicator> communicator);

  // Collective.
  Verdict exchange(const Proposal& proposal);
  // For a rank that cannot go on: the others' operations throw `reason`. Not collective.
  void revoke(const Error& reason) noexcept { communicator_->revoke(reason); }
  // Every rank's text, at most kMostText bytes of each. Collective, on the way to an error.
  std::vector<std::string> tell_all(const std::string& text);
  // Rank `root`'s error, on every rank. Collective; `error` is looked at on rank `root`.
  Error share_error(const Error& error, int root);

 private:
  static constexpr std::size_t kMostText = 2048;

  std::shared_ptr<Communicator> communicator_;
};

}  // namespace counterpoint::inline v1
