#include "counterpoint/runtime/internal/fill_pool.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cfenv>
#include <new>

#include "counterpoint/kernels/dtype.h"
#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/fill_threads.h"
#include "counterpoint/runtime/internal/signals_blocked.h"

namespace counterpoint::inline v1 {
namespace {

// A slice is written in 20 us or more, and is small beside what a thread has of the whole.
constexpr std::uint64_t kMostGrain = 256 << 10;
constexpr int kSlicesPerThread = 8;
constexpr std::chrono::milliseconds kStartAgain(100);

// 0 without a wish.
std::atomic<int> wished_threads = 0;

struct CpuMask {
  CpuMask() {
    // The main thread's: others may be pinned for reasons of their own.
    if (sched_getaffinity(getpid(), sizeof cpus, cpus) != 0 &&
        sched_getaffinity(0, sizeof cpus, cpus) != 0) {
      CPU_ZERO_S(sizeof cpus, cpus);
    }
  }
  int count() const { return std::max(1, CPU_COUNT_S(sizeof cpus, cpus)); }

  cpu_set_t cpus[16];  // 16,384 CPUs
};

// 0 before anybody asked, and in a child of fork(), which may pin itself.
std::atomic<int> known_cpus = 0;

int process_cpus() {
  static const int registered [[maybe_unused]] =
      pthread_atfork(nullptr, nullptr, [] { known_cpus.store(0, std::memory_order_relaxed); });
  int cpus = known_cpus.load(std::memory_order_relaxed);
  if (cpus == 0) {
    cpus = CpuMask().count();
    known_cpus.store(cpus, std::memory_order_relaxed);
  }
  return cpus;
}

int threads_now() {
  const int wished = wished_threads.load(std::memory_order_relaxed);
  return wished == 0 ? process_cpus() : std::min(wished, process_cpus());
}

alignas(FillPool) std::byte process_pool[sizeof(FillPool)];

// A child of fork() has none of its parent's threads, and locks as they happened to be.
void begin_anew() { new (process_pool) FillPool(CpuMask().count()); }

}  // namespace

bool FillPool::start_detached(void* (*run)(void*), void* argument) noexcept {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  const CpuMask mask;
  pthread_attr_setaffinity_np(&attributes, sizeof mask.cpus, mask.cpus);
  const SignalsBlocked deaf;
  pthread_t thread;
  const bool started = pthread_create(&thread, &attributes, run, argument) == 0;
  pthread_attr_destroy(&attributes);
  return started;
}

FillPool::FillPool(int most_threads, Start start) noexcept
    : most_threads_(most_threads), start_(start) {}

FillPool::~FillPool() {
  std::unique_lock lock(mutex_);
  closing_ = true;
  job_came_.notify_all();
  helpers_left_.wait(lock, [this] { return helpers_ == 0; });
}

FillPool& FillPool::process() {
  static FillPool* const pool = [] {
    begin_anew();
    pthread_atfork(nullptr, nullptr, begin_anew);
    return std::launder(reinterpret_cast<FillPool*>(process_pool));
  }();
  return *pool;
}

void SlicedWork::run_slice(std::uint64_t number) const noexcept {
  const std::uint64_t begin = number == 0 ? 0 : number * grain - phase;
  const std::uint64_t end = std::min(count, (number + 1) * grain - phase);
  slice(context, begin, end - begin);
}

void FillPool::Job::help() noexcept {
  const std::uint64_t slices = work.slices();
  for (;;) {
    const std::uint64_t number = next.fetch_add(1, std::memory_order_relaxed);
    if (number >= slices) return;
    work.run_slice(number);
  }
}

// How many helpers there are, `wanted` at most.
int FillPool::start_helpers(int wanted) noexcept {
  const std::scoped_lock lock(mutex_);
  if (helpers_ < wanted && std::chrono::steady_clock::now() < next_start_) wanted = helpers_;
  while (helpers_ < wanted) {
    const auto run = [](void* pool) -> void* {
      static_cast<FillPool*>(pool)->serve();
      return nullptr;
    };
    if (!start_(run, this)) {
      next_start_ = std::chrono::steady_clock::now() + kStartAgain;
      break;
    }
    ++helpers_;
  }
  return std::min(helpers_, wanted);
}

void FillPool::serve() noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    job_came_.wait(lock, [this] { return closing_ || (job_ != nullptr && wanted_ > 0); });
    if (closing_) break;
    --wanted_;
    ++helping_;
    Job& job = *job_;
    lock.unlock();
    std::fesetenv(&job.environment);
    job.help();
    lock.lock();
    if (--helping_ == 0) helpers_left_.notify_one();
  }
  if (--helpers_ == 0) helpers_left_.notify_one();
}

bool FillPool::try_run(const SlicedWork& work, int threads, std::uint64_t first_slice) noexcept {
  const auto useful =
      static_cast<int>(std::min<std::uint64_t>(work.slices() - first_slice, 1 << 20));
  const int wanted = std::min({threads, most_threads_, useful}) - 1;
  if (wanted < 1 || busy_.test_and_set(std::memory_order_acquire)) return false;
  const int helpers = start_helpers(wanted);
  if (helpers > 0) {
    Job job{work, first_slice, {}};
    std::fegetenv(&job.environment);
    {
      const std::scoped_lock lock(mutex_);
      job_ = &job;
      wanted_ = helpers;
      for (int i = 0; i < helpers; ++i) job_came_.notify_one();
    }
    job.help();
    std::unique_lock lock(mutex_);
    job_ = nullptr;
    helpers_left_.wait(lock, [this] { return helping_ == 0; });
  }
  busy_.clear(std::memory_order_release);
  return helpers > 0;
}

void run_slices(const SlicedWork& work) noexcept {
  const int threads = threads_now();
  if (threads == 1) {
    work.slice(work.context, 0, work.count);
    return;
  }
  const auto parts = static_cast<std::uint64_t>(threads * kSlicesPerThread);
  SlicedWork coarse = work;
  coarse.grain *= std::max<std::uint64_t>(1, std::min(work.count / parts, kMostGrain) / work.grain);
  const std::uint64_t slices = coarse.slices();
  for (std::uint64_t done = 0; done < slices; ++done) {
    if (FillPool::process().try_run(coarse, threads, done)) return;
    coarse.run_slice(done);
  }
}

SlicedWork SlicedFill::work() const {
  return {.context = this,
          .slice =
              [](const void* self, std::uint64_t first, std::uint64_t count) noexcept {
                static_cast<const SlicedFill*>(self)->slice(first, count);
              },
          .count = fill_.count,
          .phase = fill_.first_element % kSliceElements};
}

void SlicedFill::slice(std::uint64_t first, std::uint64_t count) const noexcept {
  kernels::Fill slice = fill_;
  slice.first_element += first;
  slice.count = count;
  slice.total_count = std::max(fill_.count, fill_.total_count);
  slice.output = static_cast<std::byte*>(fill_.output) + first * dtype_size(fill_.dtype);
  definition_.fill(slice);
}

void fill_on_pool(const kernels::StreamDefinition& definition, const kernels::Fill& fill) noexcept {
  const bool light = fill.distribution <= kernels::Distribution::uniform;
  if (light && fill.count < kParallelLight) {
    definition.fill(fill);
  } else {
    const SlicedFill sliced(definition, fill);
    run_slices(sliced.work());
  }
}

void set_fill_threads(int threads) {
  if (threads < 0) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("a fill cannot use {} threads; give 1 or more, or 0 for as many as "
                            "there are CPUs",
                            threads));
  }
  wished_threads.store(threads, std::memory_order_relaxed);
}

int fill_threads() { return threads_now(); }

}  // namespace counterpoint::inline v1
