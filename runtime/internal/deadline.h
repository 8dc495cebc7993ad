// Private: when a wait ends.
//
//   const Deadline deadline(2.5);
//   while (!done() && !deadline.expired()) std::this_thread::yield();
//
// Thread-safety: values.
#pragma once

#include <algorithm>
#include <chrono>

namespace counterpoint::inline v1 {

class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  // From now; 0 and below, and NaN, have expired already. Beyond 30 years is 30 years.
  explicit Deadline(double timeout_seconds)
      : time_(Clock::now() +
              std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(
                  timeout_seconds > 0 ? std::min(timeout_seconds, 1e9) : 0.0))) {}

  Clock::time_point time() const { return time_; }
  bool expired() const { return Clock::now() >= time_; }

 private:
  Clock::time_point time_;
};

}  // namespace counterpoint::inline v1
