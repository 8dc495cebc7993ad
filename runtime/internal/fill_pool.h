// Large fills on several threads: slices of the same fill, so the same bits.
//
//   fill_in_parallel(definition, fill);                  // definition.fill(fill), split if large
//   for_each_slice(count, least, grain, [&](std::uint64_t first, std::uint64_t slice_count) noexcept {
//     write(first, slice_count);                         // any order, any thread
//   });
//
// A pool has one job at a time. Who finds it busy goes on alone, slice by slice, until it is free;
// helpers that come late find the slices gone, so nobody waits for more than slices under way. Helpers wait on a condition
// variable: nothing spins. A job allocates nothing; the first one that needs a helper starts it.
// Where no thread can be started the caller is alone, and a tenth of a second passes before anybody
// tries again: a failing start takes as long as a slice.
//
// Thread-safety: all of it. Determinism: slices may be written in any order, all in the caller's
// floating-point environment.
#pragma once

#include <atomic>
#include <cfenv>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "counterpoint/kernels/export.h"
#include "counterpoint/kernels/stream_definition.h"

namespace counterpoint::inline v1 {

// Slices begin at multiples of this many elements of the logical draw: whole blocks of every
// algorithm, and whole lines of memory.
inline constexpr std::uint64_t kSliceElements = 8192;

// From here on a fill is split. Measured by bench/parallel_fills.cc ("crossing"), two threads on two
// Zen 5 cores with AVX-512: a fill that takes one thread 12 us (65,536 uniforms, 16,384 normals)
// takes two as long; from twice of that on they are 1.35 times as fast or more.
inline constexpr std::uint64_t kParallelLight = 128 << 10;  // integers and uniforms
inline constexpr std::uint64_t kParallelHeavy = 32 << 10;   // normals and all that is slower

// Work on elements [0, count): `slice(context, first, slice_count)` for slices that are cut where
// `phase` + first is a multiple of `grain`.
struct SlicedWork {
  const void* context = nullptr;
  void (*slice)(const void* context, std::uint64_t first, std::uint64_t count) noexcept = nullptr;
  std::uint64_t count = 0;
  std::uint64_t phase = 0;  // below grain
  std::uint64_t grain = kSliceElements;

  std::uint64_t slices() const { return (phase + count + grain - 1) / grain; }
  void run_slice(std::uint64_t number) const noexcept;
};

class COUNTERPOINT_PUBLIC FillPool {
 public:
  // Starts a detached thread that calls `run(argument)`; false if there can be none.
  using Start = bool (*)(void* (*run)(void*), void* argument);
  // Starts one on the process's CPUs that is deaf to signals, which are for the program's own threads,
  // but for those of its own faults.
  static bool start_detached(void* (*run)(void*), void* argument) noexcept;

  // At most `most_threads`, the caller's included.
  explicit FillPool(int most_threads, Start start = start_detached) noexcept;
  // Waits until its helpers have left.
  ~FillPool();
  FillPool(const FillPool&) = delete;
  FillPool& operator=(const FillPool&) = delete;

  // Does the work from slice number `first_slice` on with at most `threads` threads, the caller's
  // included, and returns when all is done. False, and nothing was done, if the pool is busy or
  // there is nobody to help.
  bool try_run(const SlicedWork& work, int threads, std::uint64_t first_slice = 0) noexcept;

  // The process's own: as many threads as its affinity mask has CPUs. Never destroyed, so that
  // nothing waits for helpers at exit; begun anew in a child after fork().
  static FillPool& process();

 private:
  struct Job {
    const SlicedWork& work;
    std::atomic<std::uint64_t> next;
    std::fenv_t environment;  // the caller's: rounding and flushing decide bits
    void help() noexcept;
  };

  int start_helpers(int wanted) noexcept;
  void serve() noexcept;

  const int most_threads_;
  const Start start_;
  std::atomic_flag busy_;  // held by the caller whose job runs

  std::mutex mutex_;  // of all below
  std::condition_variable job_came_;
  std::condition_variable helpers_left_;
  Job* job_ = nullptr;
  int wanted_ = 0;   // helpers that may still join the job
  int helping_ = 0;  // helpers inside a job
  int helpers_ = 0;  // threads
  bool closing_ = false;
  std::chrono::steady_clock::time_point next_start_;  // none before, since one has failed
};

// Does the work on the process's pool, or on the calling thread. Out of line: for large work only.
COUNTERPOINT_PUBLIC void run_slices(const SlicedWork& work) noexcept;

// Work that calls `slice(first, slice_count)`, which must outlive it.
template <class Slice>
SlicedWork sliced_work(const Slice& slice, std::uint64_t count, std::uint64_t grain,
                       std::uint64_t phase = 0) {
  const auto call = [](const void* context, std::uint64_t first, std::uint64_t n) noexcept {
    (*static_cast<const Slice*>(context))(first, n);
  };
  return {.context = &slice, .slice = call, .count = count, .phase = phase, .grain = grain};
}

// Calls `slice(first, slice_count)` until [0, count) is done: at once if there are fewer than
// `least` elements, else for slices of some multiple of `grain`, on as many threads as are free.
template <class Slice>
void for_each_slice(std::uint64_t count, std::uint64_t least, std::uint64_t grain,
                    const Slice& slice) noexcept {
  if (count < least) {
    slice(std::uint64_t{0}, count);
  } else {
    run_slices(sliced_work(slice, count, grain));
  }
}

// `fill` as work in slices, which refers to both arguments.
class SlicedFill {
 public:
  SlicedFill(const kernels::StreamDefinition& definition, const kernels::Fill& fill)
      : definition_(definition), fill_(fill) {}
  SlicedWork work() const;

 private:
  void slice(std::uint64_t first, std::uint64_t count) const noexcept;

  const kernels::StreamDefinition& definition_;
  const kernels::Fill& fill_;
};

COUNTERPOINT_PUBLIC void fill_on_pool(const kernels::StreamDefinition& definition,
                                      const kernels::Fill& fill) noexcept;

// definition.fill(fill), by several threads if that is sooner.
inline void fill_in_parallel(const kernels::StreamDefinition& definition,
                             const kernels::Fill& fill) noexcept {
  if (fill.count < kParallelHeavy) [[likely]] {
    definition.fill(fill);
  } else {
    fill_on_pool(definition, fill);
  }
}

}  // namespace counterpoint::inline v1
