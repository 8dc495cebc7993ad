// The lock around a generator's state: held for the few instructions of one draw's reservation, so that
// taking it uncontended costs one atomic exchange, and a waiting thread soon yields its core.
//
//   const std::scoped_lock lock(lock_);
//   state_.counter = definition().advance(state_.counter, blocks);
//
// Thread-safety: a mutex (BasicLockable).
#pragma once

#include <atomic>
#include <thread>

namespace counterpoint::inline v1 {

class DrawLock {
 public:
  void lock() noexcept {
    for (int spins = 0; held_.test_and_set(std::memory_order_acquire);) {
      if (++spins > kSpins) std::this_thread::yield();
    }
  }
  void unlock() noexcept { held_.clear(std::memory_order_release); }

 private:
  static constexpr int kSpins = 32;
  std::atomic_flag held_;
};

}  // namespace counterpoint::inline v1
