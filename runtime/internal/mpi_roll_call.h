// Private: how ranks tell each other that a wait has expired, or that one of them cannot go on: a
// short message to every other rank, outside of the collectives, which are stuck then.
//
//   roll_call.send({.kind = MpiNotice::Kind::expired, .calls_made = 17, .awaited_call = 17});
//   const auto [missing, revoked] = roll_call.collect(17, 0.5);   // everybody else answers
//   if (!roll_call.silent().empty()) ...                          // those that have not, so far
//
// Costs nothing until something is wrong, then N - 1 messages a rank.
// Thread-safety: as MPI.
#pragma once

#include <mpi.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "counterpoint/runtime/internal/collective_call.h"

namespace counterpoint::inline v1 {

// As it travels.
struct MpiNotice {
  enum class Kind : std::int32_t { expired, revoked };
  static constexpr std::size_t text_bytes = 472;

  Kind kind = Kind::expired;
  std::int32_t sender = 0;
  std::int64_t calls_made = 0;    // by the sender
  std::int64_t awaited_call = 0;  // expired: the call that was waited for
  double timeout_seconds = 0;     // expired: how long
  std::int64_t code = 0;          // revoked: the ErrorCode
  char text[text_bytes] = {};     // expired: the awaited call; revoked: why

  void set_text(const std::string& message);  // cut to fit
};

class MpiRollCall {
 public:
  MpiRollCall(MPI_Comm comm, int rank, int size);

  // To all other ranks, without waiting. Errors: internal.
  void send(const MpiNotice& notice, std::int64_t calls_made);
  // A notice that has come, if any.
  std::optional<MpiNotice> poll();
  struct Answers {
    // Have not made so many calls and do not say why, or do not answer.
    std::vector<MissingRank> missing;
    std::optional<MpiNotice> revoked;  // the first that says why it cannot go on
  };
  // What comes within `grace_seconds`, or until all have answered. One that says why it does not come
  // does not speak for others that are missing.
  Answers collect(std::int64_t awaited_call, double grace_seconds);
  // The other ranks that have sent nothing so far. Leaves what has come for poll().
  std::vector<int> silent() const;

 private:
  MPI_Comm comm_;
  int rank_;
  int size_;
  std::vector<std::int64_t> calls_made_;  // by rank; -1 until it has answered
};

}  // namespace counterpoint::inline v1
