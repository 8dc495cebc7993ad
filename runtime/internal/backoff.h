// Private: how a loop that polls MPI waits. Short waits spin, for latency; then the processor is
// offered to others, since ranks may outnumber cores; long waits sleep.
//
//   Backoff backoff;
//   while (!test()) backoff.pause();
//
// Thread-safety: values.
#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

namespace counterpoint::inline v1 {

class Backoff {
 public:
  void pause() {
    ++pauses_;
    if (spinning()) return;
    if (pauses_ == spins + 1) start_ = Clock::now();
    if (!sleeping_) {
      std::this_thread::yield();
      sleeping_ = pauses_ % 64 == 0 && Clock::now() - start_ > std::chrono::milliseconds(10);
      return;
    }
    std::this_thread::sleep_for(nap_);
    nap_ = std::min(nap_ * 2, std::chrono::microseconds(1000));
  }

  // Still in the short first part, where nothing but the test itself should cost time.
  bool spinning() const { return pauses_ <= spins; }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr int spins = 100;  // of about 50 ns each

  long pauses_ = 0;
  bool sleeping_ = false;
  Clock::time_point start_;
  std::chrono::microseconds nap_{20};
};

}  // namespace counterpoint::inline v1
