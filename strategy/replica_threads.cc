#include "counterpoint/strategy/internal/replica_threads.h"

#include <fmt/format.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1 {

struct ReplicaThreads::State {
  std::mutex mutex;
  std::condition_variable started;
  std::condition_variable done;
  Work work;
  std::uint64_t generation = 0;
  int busy = 0;
  bool stopping = false;
  std::vector<std::thread> threads;

  void loop(int local_index) {
    std::uint64_t seen = 0;
    for (;;) {
      {
        std::unique_lock lock(mutex);
        started.wait(lock, [&] { return stopping || generation != seen; });
        if (stopping) return;
        seen = generation;
      }
      work(local_index);
      {
        const std::scoped_lock lock(mutex);
        --busy;
      }
      done.notify_one();
    }
  }

  void stop() {
    {
      const std::scoped_lock lock(mutex);
      stopping = true;
    }
    started.notify_all();
    for (std::thread& thread : threads) thread.join();
  }
};

ReplicaThreads::ReplicaThreads(int count) : state_(std::make_shared<State>()) {
  std::vector<std::thread>& threads = state_->threads;
  try {
    for (int i = 0; i < count; ++i) threads.emplace_back([state = state_, i] { state->loop(i); });
  } catch (const std::system_error& error) {
    const auto made = threads.size();
    state_->stop();
    throw Error(ErrorCode::resource_exhausted,
                fmt::format("no thread for replica {} of {} on this rank: {}; use fewer", made,
                            count, error.what()));
  }
}

ReplicaThreads::~ReplicaThreads() {
  if (state_ != nullptr) state_->stop();
}

void ReplicaThreads::start(Work work) {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->work = std::move(work);
    state_->busy = static_cast<int>(state_->threads.size());
    ++state_->generation;
  }
  state_->started.notify_all();
}

void ReplicaThreads::wait() {
  std::unique_lock lock(state_->mutex);
  state_->done.wait(lock, [this] { return state_->busy == 0; });
  state_->work = nullptr;
}

void ReplicaThreads::abandon() noexcept {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->stopping = true;
  }
  state_->started.notify_all();
  for (std::thread& thread : state_->threads) thread.detach();
  state_.reset();
}

}  // namespace counterpoint::inline v1
