// The threads that run a rank's replicas, kept from run to run. They sleep between runs.
//
//   ReplicaThreads threads(2);
//   threads.start([](int local_index) { work(local_index); });  // returns at once
//   threads.wait();
//
// Thread-safety: start and wait by one thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace counterpoint::inline v1 {

class ReplicaThreads {
 public:
  explicit ReplicaThreads(int count);
  ReplicaThreads(const ReplicaThreads&) = delete;
  ReplicaThreads& operator=(const ReplicaThreads&) = delete;
  ~ReplicaThreads();

  // `work(local_index)` on each thread; it may not throw, and must live until wait() returns.
  void start(const std::function<void(int)>& work);
  void wait();

 private:
  void loop(int local_index);
  void stop();

  std::mutex mutex_;
  std::condition_variable started_;
  std::condition_variable done_;
  const std::function<void(int)>* work_ = nullptr;
  std::uint64_t generation_ = 0;
  int busy_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace counterpoint::inline v1
