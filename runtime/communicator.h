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
// communicator's timeout. Several operations may be under way; they proceed in the order of their
// start, and only while some test() or wait() of this communicator runs. The caller's buffers are
// free again when work is done, and never touched after its deadline expired: payloads pass through
// staging that the communicator owns (and leaks then), but for start_broadcast_in_place.
//
// Thread-safety: a rank's handle is for one thread at a time, and for MPI at FUNNELED for the
// thread that initialised MPI. Determinism: reductions fold in rank order ((v0 + v1) + v2) + ...,
// whatever the payload's size and the transport, so a run can be repeated to the bit (payloads of
// NaNs excepted). Integer sums wrap. A NaN on any rank makes min and max NaN. Errors:
// invalid_argument at the call for what is wrong with it, and nothing is started. On every rank:
// deadline_exceeded, naming the ranks that did not arrive; the reason given to revoke();
// unavailable when a rank left; internal for failures of MPI. Each leaves the communicator
// unusable: a rank's first call that hears of it throws it, whether it was under way or starts after
// it happened; its later calls throw failed_precondition, with what happened.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "counterpoint/kernels/dtype.h"
#include "counterpoint/runtime/device.h"
#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1 {

// How values of several ranks or replicas become one. `mean` is the sum divided by their number.
enum class Reduce : std::uint8_t { sum, mean, min, max };

// Elements that a collective reads or writes; refers, does not own.
struct Buffer {
  void* data = nullptr;
  std::int64_t count = 0;
  DType dtype = DType::f32;
  Device device = {};

  template <Element T>
  static Buffer of(std::span<T> values) {
    return {values.data(), static_cast<std::int64_t>(values.size()), dtype_of<T>, {}};
  }
};

struct ConstBuffer {
  const void* data = nullptr;
  std::int64_t count = 0;
  DType dtype = DType::f32;
  Device device = {};

  template <Element T>
  static ConstBuffer of(std::span<const T> values) {
    return {values.data(), static_cast<std::int64_t>(values.size()), dtype_of<T>, {}};
  }
};

// An operation under way. Destroying it before it is done never touches the caller's buffers again;
// if some of its payload had not been read yet, the communicator is unusable from then on.
class COUNTERPOINT_PUBLIC Work {
 public:
  class Operation {
   public:
    virtual ~Operation() = default;
    // Makes progress; true when done. Does not block.
    virtual bool test() = 0;
    // Returns when done, throws deadline_exceeded after `timeout_seconds` from now.
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

  // All ranks of the job: MPI where a launcher started the process or MPI is initialised already
  // (initialising it if nobody has), else one rank. The first call is collective; later ones return
  // the same handle. MPI that this call initialised is finalised when the process exits, after a
  // barrier with the handle's timeout; where the barrier or any communicator failed because a rank
  // is dead or hung, MPI is aborted instead, so that the job ends.
  // Errors: failed_precondition where a launcher announces more ranks than MPI sees (the program is
  // linked with another MPI than the launcher's), where MPI's threading level is below
  // MPI_THREAD_FUNNELED, and after MPI_Finalize.
  static std::shared_ptr<Communicator> world(int* argc, char*** argv);
  static std::shared_ptr<Communicator> world();

  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;
  virtual ~Communicator();

  virtual int rank() const noexcept = 0;
  virtual int size() const noexcept = 0;
  // "MPI, rank 1 of 4" and the like, for people.
  virtual std::string describe() const = 0;

  // A communicator of the same ranks and timeout whose traffic never meets this one's. Collective.
  virtual std::shared_ptr<Communicator> duplicate() = 0;

  // For a rank that cannot go on: makes the communicator unusable on every rank, so that none waits
  // for this one. The others' operation under way, or else their next, throws `reason` with this
  // rank's number, the latest when it is next waited for. Not collective, does not block; the first reason stays.
  virtual void revoke(const Error& reason) noexcept = 0;
  // For a rank that waits for something of its own before its next call here: whether another rank
  // has given up waiting for it. It can still revoke() with what keeps it, which the others then
  // throw rather than that it did not come. Not collective, does not block. Errors: what made the
  // communicator unusable, another rank's reason say: then nobody waits any more.
  virtual bool is_missed();
  // For a rank that gave up waiting, or heard that another did: the other ranks that have sent no word
  // of it, in order. They may be dead or stopped, or at work; those that wait for something here, or
  // look whether they are missed, answer a deadline_exceeded of revoke() within milliseconds. Not
  // collective, does not block. Always empty where ranks are threads, which nobody can ask.
  virtual std::vector<int> silent_ranks() noexcept;

  // In place: every rank has the reduction over ranks of `values`. All dtypes; f16 and bf16 are
  // added in f32 and rounded at each step. `mean` of integers is invalid_argument.
  virtual Work start_all_reduce(Buffer values, Reduce reduce) = 0;
  // Every rank has the values of rank `root`.
  virtual Work start_broadcast(Buffer values, int root) = 0;
  // As start_broadcast, for large memory that `owner` keeps: it is moved from and to where it lies,
  // not through staging. After an error, or where the work is dropped, its elements may still change:
  // `owner`, which is not null, is held for as long as they may. Every rank calls this one.
  virtual Work start_broadcast_in_place(Buffer values, int root, std::shared_ptr<const void> owner);
  // `gathered` has size() * values.count elements: rank 0's first.
  virtual Work start_all_gather(ConstBuffer values, Buffer gathered) = 0;
  // In place: rank r has the reduction over ranks 0 to r - 1; rank 0 has zeros for sum, and is left
  // as it was for min and max. `mean` is invalid_argument.
  virtual Work start_exclusive_scan(Buffer values, Reduce reduce) = 0;
  virtual Work start_barrier() = 0;

  // For whoever has more to do before: whether this thread may make calls here at all. Errors:
  // failed_precondition.
  virtual void ensure_callable() const;

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
