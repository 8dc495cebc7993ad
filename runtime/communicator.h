// Collectives between ranks: one interface over threads of a process (tests, and the default
// without a launcher) and over MPI.
//
//   auto world = cp::Communicator::world(&argc, &argv);  // MPI under a launcher, one rank without
//   std::vector<float> sums = partial_sums();
//   world->all_reduce(std::span(sums), cp::Reduce::sum);
//   cp::Work work = world->start_broadcast(cp::Buffer::of(std::span(sums)), 0);  work.wait(60.0);
//
// Operations are collective: every rank makes the same calls in the same order. start_* return work
// that is waited for with a deadline; the blocking calls are sugar over them with the
// communicator's timeout. The caller's buffers are free again when work is done, and never touched
// after its deadline expired: payloads pass through staging that the communicator owns (and leaks
// then).
//
// Thread-safety: one thread at a time, and for MPI at FUNNELED the thread that initialised MPI.
// Determinism: reductions add in rank order, so a run can be repeated to the bit.
// Errors, on every rank: deadline_exceeded; failed_precondition after a deadline expired;
// unavailable or internal for failures of MPI.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "counterpoint/kernels/dtype.h"
#include "counterpoint/runtime/device.h"

namespace counterpoint::inline v1 {

// How values of several ranks or replicas become one. `mean` is the sum divided by their number.
enum class Reduce : std::uint8_t { sum, mean, min, max };

// Elements that a collective reads or writes; refers, does not own.
struct Buffer {
  void* data = nullptr;
  std::int64_t count = 0;
  DType dtype = DType::f32;
  Device device;

  template <Element T>
  static Buffer of(std::span<T> values) {
    return {values.data(), static_cast<std::int64_t>(values.size()), dtype_of<T>, {}};
  }
};

struct ConstBuffer {
  const void* data = nullptr;
  std::int64_t count = 0;
  DType dtype = DType::f32;
  Device device;

  template <Element T>
  static ConstBuffer of(std::span<const T> values) {
    return {values.data(), static_cast<std::int64_t>(values.size()), dtype_of<T>, {}};
  }
};

// An operation under way. Destroying it before it is done leaks its staging.
class COUNTERPOINT_PUBLIC Work {
 public:
  class Operation {
   public:
    virtual ~Operation() = default;
    // Makes progress; true when done. Does not block.
    virtual bool test() = 0;
    // Returns when done, throws deadline_exceeded after `timeout_seconds`.
    virtual void wait(double timeout_seconds) = 0;
  };

  // Work that is done already.
  Work();
  explicit Work(std::unique_ptr<Operation> operation);
  Work(Work&&) noexcept;
  Work& operator=(Work&&) noexcept;
  ~Work();

  bool test();
  void wait(double timeout_seconds);

 private:
  std::unique_ptr<Operation> operation_;
};

class COUNTERPOINT_PUBLIC Communicator {
 public:
  static constexpr double default_timeout_seconds = 1800;

  // All ranks of the job: MPI where a launcher started the process (initialising MPI if nobody
  // has), else one rank. failed_precondition where a launcher announces more ranks than MPI sees:
  // the program is linked with another MPI than the launcher's.
  static std::shared_ptr<Communicator> world(int* argc, char*** argv);
  static std::shared_ptr<Communicator> world();

  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;
  virtual ~Communicator();

  virtual int rank() const noexcept = 0;
  virtual int size() const noexcept = 0;
  // "MPI, rank 1 of 4" and the like, for people.
  virtual std::string describe() const = 0;

  // A communicator of the same ranks whose traffic never meets this one's. Collective.
  virtual std::shared_ptr<Communicator> duplicate() = 0;

  // In place: every rank has the reduction over ranks of `values`, added in rank order. All dtypes;
  // f16 and bf16 are added in f32 and rounded at each step. `mean` of integers is invalid_argument.
  virtual Work start_all_reduce(Buffer values, Reduce reduce) = 0;
  // Every rank has the values of rank `root`.
  virtual Work start_broadcast(Buffer values, int root) = 0;
  // `gathered` has size() * values.count elements: rank 0's first.
  virtual Work start_all_gather(ConstBuffer values, Buffer gathered) = 0;
  // In place: rank r has the reduction over ranks 0 to r - 1; rank 0 has zeros for sum, and is left
  // as it was for min and max. `mean` is invalid_argument.
  virtual Work start_exclusive_scan(Buffer values, Reduce reduce) = 0;
  virtual Work start_barrier() = 0;

  double timeout_seconds() const noexcept { return timeout_seconds_; }
  void set_timeout_seconds(double timeout_seconds) noexcept { timeout_seconds_ = timeout_seconds; }

  template <Element T>
  void all_reduce(std::span<T> values, Reduce reduce) {
    start_all_reduce(Buffer::of(values), reduce).wait(timeout_seconds_);
  }
  template <Element T>
  void broadcast(std::span<T> values, int root = 0) {
    start_broadcast(Buffer::of(values), root).wait(timeout_seconds_);
  }
  template <Element T>
  void all_gather(std::span<const T> values, std::span<T> gathered) {
    start_all_gather(ConstBuffer::of(values), Buffer::of(gathered)).wait(timeout_seconds_);
  }
  template <Element T>
  void exclusive_scan(std::span<T> values, Reduce reduce) {
    start_exclusive_scan(Buffer::of(values), reduce).wait(timeout_seconds_);
  }
  void barrier() { start_barrier().wait(timeout_seconds_); }

 protected:
  Communicator() = default;

 private:
  double timeout_seconds_ = default_timeout_seconds;
};

}  // namespace counterpoint::inline v1
