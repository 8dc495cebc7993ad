// Which leaves of a file are in memory, for threads that bring them and threads that use them.
//
//   Arrivals arrivals(leaves);
//   arrivals.mark(0, 2);                                       // on one thread, in any order
//   if (arrivals.wait_before(2, 1.5) >= 2) use_leaves(0, 2);   // on another
//
// Thread-safety: all of it.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <vector>

namespace counterpoint::inline v1::checkpoint_internal {

class Arrivals {
 public:
  explicit Arrivals(std::size_t leaves) : here_(leaves, false) {}

  void mark(std::size_t begin, std::size_t end) {
    change([&] {
      std::fill(here_.begin() + static_cast<std::ptrdiff_t>(begin),
                here_.begin() + static_cast<std::ptrdiff_t>(end), true);
      while (first_missing_ < here_.size() && here_[first_missing_]) ++first_missing_;
    });
  }
  // Nothing more comes, and nobody is to wait for it.
  void fail() {
    change([&] { failed_ = true; });
  }
  bool failed() {
    const std::scoped_lock lock(mutex_);
    return failed_;
  }
  // How many of the first leaves are there.
  std::size_t count() {
    const std::scoped_lock lock(mutex_);
    return first_missing_;
  }
  // How many of the first leaves are there, `end` or more unless `seconds` are over or it failed.
  std::size_t wait_before(std::size_t end, double seconds) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::duration<double>(seconds),
                      [&] { return failed_ || first_missing_ >= end; });
    return first_missing_;
  }

 private:
  template <class Change>
  void change(Change apply) {
    {
      const std::scoped_lock lock(mutex_);
      apply();
    }
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<bool> here_;
  std::size_t first_missing_ = 0;
  bool failed_ = false;
};

}  // namespace counterpoint::inline v1::checkpoint_internal
