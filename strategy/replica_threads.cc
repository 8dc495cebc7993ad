#include "counterpoint/strategy/internal/replica_threads.h"

#include <fmt/format.h>

#include <system_error>

#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1 {

ReplicaThreads::ReplicaThreads(int count) {
  try {
    for (int i = 0; i < count; ++i) threads_.emplace_back([this, i] { loop(i); });
  } catch (const std::system_error& error) {
    const auto made = threads_.size();
    stop();
    throw Error(ErrorCode::resource_exhausted,
                fmt::format("no thread for replica {} of {} on this rank: {}; use fewer", made,
                            count, error.what()));
  }
}

ReplicaThreads::~ReplicaThreads() { stop(); }

void ReplicaThreads::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  started_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ReplicaThreads::start(const std::function<void(int)>& work) {
  {
    const std::scoped_lock lock(mutex_);
    work_ = &work;
    busy_ = static_cast<int>(threads_.size());
    ++generation_;
  }
  started_.notify_all();
}

void ReplicaThreads::wait() {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return busy_ == 0; });
}

void ReplicaThreads::loop(int local_index) {
  std::uint64_t seen = 0;
  for (;;) {
    const std::function<void(int)>* work = nullptr;
    {
      std::unique_lock lock(mutex_);
      started_.wait(lock, [&] { return stopping_ || generation_ != seen; });
      if (stopping_) return;
      seen = generation_;
      work = work_;
    }
    (*work)(local_index);
    {
      const std::scoped_lock lock(mutex_);
      --busy_;
    }
    done_.notify_one();
  }
}

}  // namespace counterpoint::inline v1
