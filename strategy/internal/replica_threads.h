// The threads that run a rank's replicas, kept from run to run. They sleep between runs.
//
//   ReplicaThreads threads(2);
//   threads.start([](int local_index) { work(local_index); });  // returns at once
//   threads.wait();
//
// Thread-safety: start, wait and abandon by one thread.
#pragma once

#include <functional>
#include <memory>

namespace counterpoint::inline v1 {

class ReplicaThreads {
 public:
  using Work = std::function<void(int)>;

  // Errors: resource_exhausted.
  explicit ReplicaThreads(int count);
  ReplicaThreads(const ReplicaThreads&) = delete;
  ReplicaThreads& operator=(const ReplicaThreads&) = delete;
  ~ReplicaThreads();

  // `work(local_index)` on each thread; it may not throw. It is kept until all threads are done.
  void start(Work work);
  void wait();
  // Lets go of threads that hang: nobody waits for them any more, and there is no other start().
  void abandon() noexcept;

 private:
  struct State;

  std::shared_ptr<State> state_;  // the threads' too: those that hang live longer than this
};

}  // namespace counterpoint::inline v1
