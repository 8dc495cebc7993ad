// Ranks that are threads of one process: for tests, and the one-rank world where there is no
// launcher.
//
//   auto ranks = cp::ThreadCommunicator::create(2);
//   std::thread other([&] { ranks[1]->barrier(); });
//   ranks[0]->barrier();
//   other.join();
//
// Waits sleep. Calls that differ between ranks are `diverged` on every rank, with both calls named.
// A handle that is destroyed has left: ranks that wait for it get `unavailable`.
//
// Thread-safety: each handle is for one thread at a time; different handles are independent.
// Determinism: as every Communicator.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "counterpoint/runtime/communicator.h"

namespace counterpoint::inline v1 {

class ThreadHub;  // what the ranks of one communicator share

class COUNTERPOINT_PUBLIC ThreadCommunicator final : public Communicator {
 public:
  // One handle a rank. Errors: invalid_argument if `size` is below 1.
  static std::vector<std::shared_ptr<ThreadCommunicator>> create(int size);

  ~ThreadCommunicator() override;

  int rank() const noexcept override { return rank_; }
  int size() const noexcept override { return size_; }
  std::string describe() const override;
  std::shared_ptr<Communicator> duplicate() override;
  void revoke(const Error& reason) noexcept override;
  bool is_missed() override;

  Work start_all_reduce(Buffer values, Reduce reduce) override;
  Work start_broadcast(Buffer values, int root) override;
  Work start_all_gather(ConstBuffer values, Buffer gathered) override;
  Work start_exclusive_scan(Buffer values, Reduce reduce) override;
  Work start_barrier() override;

 private:
  ThreadCommunicator(std::shared_ptr<ThreadHub> hub, int rank, int size);

  std::shared_ptr<ThreadHub> hub_;
  int rank_;
  int size_;
};

}  // namespace counterpoint::inline v1
