// Fills on several threads: the same bits, whoever else fills, forks or exits.
#include "counterpoint/runtime/internal/fill_pool.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cfenv>
#include <cstring>
#include <filesystem>
#include <latch>
#include <thread>
#include <vector>

#include "counterpoint/runtime/fill_threads.h"
#include "counterpoint/runtime/generator.h"
#include "runtime/expect_error.h"
#include "runtime/runs_on.h"

namespace counterpoint {
namespace {

using kernels::Distribution;
using kernels::Fill;
using kernels::StreamDefinition;

constexpr std::uint64_t kLarge = 600'001;  // elements of a fill that is split

std::vector<std::byte> filled_alone(const StreamDefinition& stream, Fill fill) {
  std::vector<std::byte> bytes(fill.count * dtype_size(fill.dtype));
  fill.output = bytes.data();
  stream.fill(fill);
  return bytes;
}

TEST(FillPool, RunsOnAsManyThreadsAsAsked) {
  FillPool pool(8);
  for (int threads = 2; threads <= 8; ++threads) EXPECT_TRUE(runs_on(pool, threads)) << threads;
  FillPool alone(1);
  EXPECT_FALSE(runs_on(alone, 1)) << "one thread has nobody to help";
}

TEST(FillPool, EverySliceIsDoneOnce) {
  for (int threads = 2; threads <= 8; ++threads) {
    FillPool pool(threads);
    for (const std::uint64_t count : {1u, 7u, 8u, 9u, 63u, 64u, 65u, 1000u}) {
      for (const std::uint64_t phase : {0u, 1u, 7u}) {
        std::vector<std::atomic<int>> written(count);
        const auto write = [&](std::uint64_t first, std::uint64_t n) noexcept {
          EXPECT_GT(n, 0u);
          EXPECT_TRUE(first == 0 || (first + phase) % 8 == 0);
          for (std::uint64_t i = first; i < first + n; ++i) ++written[i];
        };
        const SlicedWork work = sliced_work(write, count, 8, phase);
        const bool ran = pool.try_run(work, threads);
        ASSERT_EQ(ran, work.slices() > 1) << count << " from " << phase;
        for (const std::atomic<int>& times : written) ASSERT_EQ(times, ran ? 1 : 0);
      }
    }
  }
}

// Every distribution, dtype and algorithm, on 1 to 8 threads, of odd lengths from odd places.
TEST(FillPool, SameBitsOnAnyThreads) {
  int compared = 0;
  std::vector<std::unique_ptr<FillPool>> pools;
  for (int threads = 2; threads <= 8; ++threads) {
    pools.push_back(std::make_unique<FillPool>(threads));
  }
  for (const StreamDefinition* stream : {&kernels::philox_stream(), &kernels::threefry_stream()}) {
    for (int d = 0; d <= static_cast<int>(Distribution::truncated_normal); ++d) {
      for (int t = 0; t < 8; ++t) {
        const auto distribution = static_cast<Distribution>(d);
        const auto dtype = static_cast<DType>(t);
        if (!stream->supports(distribution, dtype)) continue;
        for (const std::uint64_t count : {2 * kSliceElements - 1, 5 * kSliceElements + 3}) {
          for (const std::uint64_t first :
               {std::uint64_t{0}, std::uint64_t{1}, kSliceElements - 3}) {
            const auto whole = static_cast<std::int64_t>(first + count + 2);
            Fill fill{.distribution = distribution,
                      .dtype = dtype,
                      .shape = std::span(&whole, 1),
                      .first_element = first,
                      .key = 0x0123456789abcdefu,
                      .counter = {0xfffffffffffffff0u, 3},
                      .range = 1000,
                      .low = 5,
                      .count = count};
            const std::vector<std::byte> expected = filled_alone(*stream, fill);
            const FillPool* last = pools.back().get();
            for (const auto& pool : pools) {
              // All pools on the smallest draws; larger ones on the widest.
              if (count > 2 * kSliceElements && pool.get() != last) continue;
              std::vector<std::byte> got(expected.size() + 64, std::byte{0x5a});
              fill.output = got.data();
              const SlicedFill sliced(*stream, fill);
              ASSERT_TRUE(pool->try_run(sliced.work(), 8));
              ASSERT_EQ(std::memcmp(got.data(), expected.data(), expected.size()), 0)
                  << stream->name << " " << d << " " << dtype_name(dtype) << ", " << count
                  << " from " << first;
              for (std::size_t i = expected.size(); i < got.size(); ++i) {
                ASSERT_EQ(got[i], std::byte{0x5a}) << "wrote past its end";
              }
              ++compared;
            }
          }
        }
      }
    }
  }
  EXPECT_GT(compared, 600);
}

TEST(FillPool, SameBitsInDrawsOfAnyShape) {
  for (const Algorithm algorithm : {Algorithm::philox, Algorithm::threefry}) {
    for (const Shape& shape : {Shape{kLarge}, Shape{3, 200'001}, Shape{7, 3, 4, 9001}}) {
      const auto draw = [&] {
        auto noise = Generator::from_seed(7, algorithm);
        return noise.normal<float>(shape, 1.0, 3.0);
      };
      set_fill_threads(1);
      const Tensor alone = draw();
      set_fill_threads(0);
      const Tensor together = draw();
      EXPECT_TRUE(std::ranges::equal(alone.bytes(), together.bytes())) << shape_to_string(shape);
    }
  }
}

TEST(FillPool, ThreadsAreBounded) {
  const int all = fill_threads();
  EXPECT_GE(all, 1);
  set_fill_threads(1);
  EXPECT_EQ(fill_threads(), 1);
  set_fill_threads(all + 100);
  EXPECT_EQ(fill_threads(), all) << "never more than CPUs";
  set_fill_threads(0);
  EXPECT_EQ(fill_threads(), all);
  expect_error(ErrorCode::invalid_argument, {"-1"}, [] { set_fill_threads(-1); });
  EXPECT_EQ(fill_threads(), all);
}

std::ptrdiff_t threads_of_process() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"),
                       std::filesystem::directory_iterator());
}

// In processes of their own, where nothing was filled before.
class FillPoolOfAProcess : public testing::Test {
 public:
  static void fill_much() {
    std::vector<float> values(kLarge);
    Generator::from_seed(1).fill_normal(values);
  }

 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

#if !defined(__SANITIZE_THREAD__)  // which has threads of its own

TEST_F(FillPoolOfAProcess, StartsThreadsForLargeFillsOnly) {
  EXPECT_EXIT(
      {
        std::vector<float> few(1000);
        Generator::from_seed(1).fill_normal(few);
        const auto before = threads_of_process();
        fill_much();
        fill_much();
        std::exit(threads_of_process() - before == fill_threads() - 1 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

#endif

TEST_F(FillPoolOfAProcess, StartsNoneOnOneCpu) {
  EXPECT_EXIT(
      {
        cpu_set_t one;
        sched_getaffinity(0, sizeof one, &one);
        for (int cpu = 0, found = 0; cpu < CPU_SETSIZE; ++cpu) {
          if (CPU_ISSET(cpu, &one) && ++found > 1) CPU_CLR(cpu, &one);
        }
        if (sched_setaffinity(0, sizeof one, &one) != 0) std::exit(2);
        const auto before = threads_of_process();
        fill_much();
        std::exit(fill_threads() == 1 && threads_of_process() == before ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(FillPoolOfAProcess, StartsNoneWhereTheProgramWantsNone) {
  EXPECT_EXIT(
      {
        set_fill_threads(1);
        const auto before = threads_of_process();
        fill_much();
        std::exit(threads_of_process() == before ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

#if defined(__SSE2__)

TEST(FillPool, FlushingToZeroIsTheSameOnAnyThreads) {
  constexpr unsigned kFlushAndSubnormalsAreZero = 0x8040;
  FillPoolOfAProcess::fill_much();  // helpers start in the default environment
  Fill fill{.distribution = Distribution::normal,
            .dtype = DType::f16,
            .scaled = true,  // which makes floats of subnormal halves
            .count = 1 << 20};
  const unsigned before = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(before | kFlushAndSubnormalsAreZero);
  const std::vector<std::byte> expected = filled_alone(kernels::philox_stream(), fill);
  int differ = 0;
  for (int i = 0; i < 50; ++i) {
    std::vector<std::byte> got(expected.size());
    fill.output = got.data();
    fill_in_parallel(kernels::philox_stream(), fill);
    differ += got == expected ? 0 : 1;
  }
  __builtin_ia32_ldmxcsr(before);
  EXPECT_EQ(differ, 0);
}

#endif

// A slice knows of how large a fill it is, which decides whether it bypasses the cache.
TEST(FillPool, SlicesKnowTheWhole) {
  static std::vector<std::uint64_t> totals;
  StreamDefinition stream = kernels::philox_stream();
  stream.fill = [](const Fill& slice) { totals.push_back(slice.total_count); };
  Fill fill{.distribution = Distribution::uniform, .dtype = DType::f32, .count = kLarge};
  std::vector<float> values(kLarge);
  fill.output = values.data();
  for (const std::uint64_t larger : {std::uint64_t{0}, 7 * kLarge}) {
    fill.total_count = larger;
    totals.clear();
    const SlicedFill sliced(stream, fill);
    const SlicedWork work = sliced.work();
    for (std::uint64_t i = 0; i < work.slices(); ++i) work.run_slice(i);
    EXPECT_EQ(totals, std::vector<std::uint64_t>(work.slices(), std::max(kLarge, larger)));
  }
}

// While one thread has the pool, others fill as well.
TEST(FillPool, NobodyWaitsForAJobOfAnother) {
  FillPool pool(2);
  std::latch inside(1);
  std::latch release(1);
  const auto hold = [&](std::uint64_t first, std::uint64_t) noexcept {
    if (first == 0) inside.count_down();
    release.wait();
  };
  const SlicedWork held = sliced_work(hold, 2, 1);
  std::thread holder([&] { EXPECT_TRUE(pool.try_run(held, 2)); });
  inside.wait();
  EXPECT_FALSE(runs_on(pool, 2)) << "the pool is busy";
  release.count_down();
  holder.join();
  EXPECT_TRUE(runs_on(pool, 2)) << "and free again";
}

TEST(FillPool, ManyCallersAtOnce) {
  constexpr int kCallers = 4;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([caller] {
      const Fill fill{.distribution = Distribution::normal,
                      .dtype = DType::f32,
                      .key = static_cast<std::uint64_t>(caller),
                      .count = 100'003};
      const std::vector<std::byte> expected = filled_alone(kernels::philox_stream(), fill);
      for (int i = 0; i < 30; ++i) {
        std::vector<std::byte> got(expected.size());
        Fill again = fill;
        again.output = got.data();
        fill_in_parallel(kernels::philox_stream(), again);
        ASSERT_EQ(got, expected);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
}

TEST(FillPool, SmallWorkIsOneCall) {
  int calls = 0;
  const auto count_call = [&calls](std::uint64_t first, std::uint64_t count) noexcept {
    calls += first == 0 && count == 99 ? 1 : 100;
  };
  for_each_slice(99, 100, 10, count_call);
  EXPECT_EQ(calls, 1);
}

#if !defined(__SANITIZE_THREAD__)  // its children start no threads

bool child_fills(const std::vector<std::byte>& expected, const Fill& fill) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(10);  // a hung child ends by a signal
    std::vector<std::byte> got(expected.size());
    Fill again = fill;
    again.output = got.data();
    fill_in_parallel(kernels::philox_stream(), again);
    fill_in_parallel(kernels::philox_stream(), again);
    // Its helpers are its own.
    const bool helped = fill_threads() == 1 || runs_on(FillPool::process(), fill_threads());
    _exit(got == expected && helped ? 0 : 1);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(FillPool, AChildOfForkFillsAsItsParent) {
  const Fill fill{.distribution = Distribution::normal, .dtype = DType::f32, .count = kLarge};
  const std::vector<std::byte> expected = filled_alone(kernels::philox_stream(), fill);
  EXPECT_TRUE(child_fills(expected, fill)) << "forked before the first fill";
  std::vector<std::byte> got(expected.size());
  Fill mine = fill;
  mine.output = got.data();
  fill_in_parallel(kernels::philox_stream(), mine);
  EXPECT_TRUE(child_fills(expected, fill)) << "forked after it";
  // And while another thread has the pool.
  std::atomic<bool> stop = false;
  std::thread other([&] {
    while (!stop) fill_in_parallel(kernels::philox_stream(), mine);
  });
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(child_fills(expected, fill)) << "fork " << i;
  stop = true;
  other.join();
  EXPECT_EQ(got, expected);
}

TEST(FillPool, AChildOfForkCountsItsOwnCpus) {
  ASSERT_GE(fill_threads(), 1);  // the parent has counted its own
  FillPoolOfAProcess::fill_much();
  const pid_t child = fork();
  if (child == 0) {
    cpu_set_t one;
    sched_getaffinity(0, sizeof one, &one);
    for (int cpu = 0, found = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &one) && ++found > 1) CPU_CLR(cpu, &one);
    }
    if (sched_setaffinity(0, sizeof one, &one) != 0) _exit(2);
    _exit(fill_threads() == 1 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

#endif

}  // namespace
}  // namespace counterpoint
