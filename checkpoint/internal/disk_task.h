// Work with rank 0's disk, on a thread of its own, while all ranks meet again and again, so that a
// disk that stalls is not taken for a dead rank and is given up by everybody at once.
//
//   DiskTask writing;
//   if (communicator.rank() == 0) writing.start([job] { job->write(); });   // owns what it uses
//   const Attempt failed = writing.wait(communicator, patience);            // on every rank
//
// Thread-safety: one thread at a time; the work makes no call of a communicator.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "counterpoint/checkpoint/internal/agreement.h"
#include "counterpoint/checkpoint/internal/watched_files.h"
#include "counterpoint/runtime/communicator.h"

namespace counterpoint::inline v1::checkpoint_internal {

// How long to wait for a disk that does not move, and what to say then.
struct Patience {
  double seconds = 1800;
  std::string place;   // which disk: a file or folder on it
  std::string advice;  // what to do next
  // Each call of them that comes back is progress, which the time counts from; null: from the
  // start.
  std::shared_ptr<const WatchedFiles> files = nullptr;
};

// For how long nothing has moved, as far as those who ask now and then can tell.
class Stillness {
 public:
  explicit Stillness(const Patience& patience) : files_(patience.files.get()) { seconds(); }
  double seconds();

 private:
  using Clock = std::chrono::steady_clock;

  const WatchedFiles* files_;
  std::uint64_t calls_done_ = 0;
  Clock::time_point last_progress_ = Clock::now();
};

// How often ranks meet in that time.
double meeting_seconds(const Communicator& communicator, const Patience& patience);
// Errors: deadline_exceeded, always.
[[noreturn]] void throw_out_of_patience(const Patience& patience);

class DiskTask {
 public:
  DiskTask() = default;
  DiskTask(const DiskTask&) = delete;
  DiskTask& operator=(const DiskTask&) = delete;
  // Work that is not done goes on alone.
  ~DiskTask();

  // `work` owns all that it uses: a disk that never answers keeps it beyond the caller. Where no
  // thread is to be had it is done at once. False where there is no memory, which wait() says too.
  bool start(std::function<void()> work) noexcept;

  // Collective; ranks that have started nothing come too. What went wrong with the work, where it
  // was started. Errors, on every rank: deadline_exceeded; the work goes on and can be waited for
  // again.
  Attempt wait(Communicator& communicator, const Patience& patience);
  // Not collective: whether it is done within the time.
  bool wait_alone(double seconds);
  bool wait_alone(const Patience& patience);
  // Whether the last wait() ended for want of patience, as it did on every rank.
  bool was_given_up() const { return given_up_; }

 private:
  struct Progress {
    std::function<void()> work;
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    Attempt failed;
    bool speechless = false;  // it failed, and there was no memory to say how
  };
  static void finish(Progress& progress) noexcept;

  std::shared_ptr<Progress> progress_;  // null where nothing was started
  bool failed_to_start_ = false;
  bool given_up_ = false;
  std::thread thread_;
};

// All of it in one: collective, what went wrong on rank 0. A single rank gives its disk up too.
Attempt on_disk(Communicator& communicator, const Patience& patience, std::function<void()> work);

}  // namespace counterpoint::inline v1::checkpoint_internal
