// Private: where the ranks of a ThreadCommunicator meet, one Meeting a collective call.
//
//   auto meeting = hub.arrive(rank, call, values);   // brings this rank's values
//   hub.wait(rank, *meeting, timeout_seconds);       // sleeps until all have come
//   meeting->deliver(rank, out);                     // takes this rank's result
//
// Values are copied in by arrive(), so a rank that gives up touches nobody's buffers. The last rank
// to come computes what all share.
// Thread-safety: all of ThreadHub, and Meeting::deliver once the meeting is done.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "counterpoint/runtime/internal/collective_call.h"

namespace counterpoint::inline v1 {

class ThreadHub;

struct ThreadMeeting {
  ThreadMeeting(const CollectiveCall& the_call, std::int64_t the_number, int opener, int size);

  // Copies what `rank` gets to `out`.
  void deliver(int rank, std::byte* out) const;
  std::byte* row(int rank) const {
    return rows.get() + static_cast<std::size_t>(rank) * call.bytes();
  }

  CollectiveCall call;
  std::int64_t number;  // from 1
  int opened_by;
  std::vector<bool> present;
  int copied_in = 0;
  bool done = false;
  std::unique_ptr<std::byte[]> rows;  // one a rank; the root's for a broadcast
  std::shared_ptr<ThreadHub> duplicate;
};

class ThreadHub {
 public:
  explicit ThreadHub(int size) : left_(size), calls_made_(size), looked_(size), told_(size) {}

  // Errors: what made the communicator unusable, for a rank that has not been told yet;
  // failed_precondition, with that, for one that has; resource_exhausted without memory, and nothing has
  // happened; diverged and unavailable as ThreadCommunicator says.
  std::shared_ptr<ThreadMeeting> arrive(int rank, const CollectiveCall& call, const void* values);
  // True when all have come. Errors: what made the communicator unusable.
  bool test(int rank, const ThreadMeeting& meeting);
  // Errors: as test, and deadline_exceeded.
  void wait(int rank, const ThreadMeeting& meeting, double timeout_seconds);

  void ensure_usable(int rank);
  void fail(int rank, const Error& error) noexcept;
  void leave(int rank) noexcept;
  // Whether another rank's wait for `rank` has expired. Errors: what made the communicator unusable.
  bool is_missed(int rank);
  std::string failure_message();

 private:
  int size() const { return static_cast<int>(left_.size()); }
  std::shared_ptr<ThreadMeeting> enter(int rank, const CollectiveCall& call);
  void complete(ThreadMeeting& meeting);
  // These want mutex_ held.
  void fail_locked(const CommunicatorError& error);
  void fail_if_left(const ThreadMeeting& meeting);
  void ensure_usable_locked(int rank);
  void throw_failure(int rank);
  std::vector<MissingRank> missing_from(const ThreadMeeting& meeting) const;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::int64_t, std::shared_ptr<ThreadMeeting>> open_;  // by number
  std::vector<bool> left_;
  std::vector<std::int64_t> calls_made_;
  std::vector<bool> looked_;  // whether it is missed, since its last call
  std::vector<bool> told_;    // what failed
  int expired_ = 0;           // waits that have; who is missed may say why
  std::optional<CommunicatorError> failure_;
};

}  // namespace counterpoint::inline v1
