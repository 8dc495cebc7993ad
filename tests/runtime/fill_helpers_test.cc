// The pool's helpers beside the thread that fills: its floating-point environment, signals and CPUs.
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cfenv>
#include <latch>
#include <thread>

#include "counterpoint/runtime/internal/fill_pool.h"
#include "runtime/runs_on.h"

namespace counterpoint {
namespace {

// Whoever runs a slice, it is in the environment of the thread that fills.
TEST(FillHelpers, SlicesRunInTheCallersEnvironment) {
  FillPool pool(2);
  ASSERT_TRUE(runs_on(pool, 2));  // its helper was started in the default one
  const int before = std::fegetround();
  for (const int rounding : {FE_DOWNWARD, FE_UPWARD, FE_TONEAREST}) {
    ASSERT_EQ(std::fesetround(rounding), 0);
    std::latch both(2);
    std::atomic<int> alike = 0;
    const auto meet = [&](std::uint64_t, std::uint64_t) noexcept {
      alike += std::fegetround() == rounding ? 1 : 0;
      both.arrive_and_wait();
    };
    const bool ran = pool.try_run(sliced_work(meet, 2, 1), 2);
    std::fesetround(before);
    ASSERT_TRUE(ran);
    EXPECT_EQ(alike, 2);
  }
}

// A fault on a helper is the program's to handle; other signals are not for helpers.
TEST(FillHelpers, HelpersHearTheirOwnFaultsOnly) {
  FillPool pool(2);
  std::latch both(2);
  std::atomic<int> helpers = 0;
  std::atomic<int> right = 0;
  const std::thread::id caller = std::this_thread::get_id();
  const auto look = [&](std::uint64_t, std::uint64_t) noexcept {
    if (std::this_thread::get_id() != caller) {
      sigset_t blocked;
      pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
      ++helpers;
      for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}) {
        right += sigismember(&blocked, fault) == 0 ? 1 : 0;
      }
      for (const int other : {SIGINT, SIGTERM, SIGUSR1, SIGCHLD, SIGPROF}) {
        right += sigismember(&blocked, other) == 1 ? 1 : 0;
      }
    }
    both.arrive_and_wait();
  };
  ASSERT_TRUE(pool.try_run(sliced_work(look, 2, 1), 2));
  EXPECT_EQ(helpers, 1);
  EXPECT_EQ(right, 10);
}

TEST(FillHelpers, StartingHelpersLeavesTheCallersSignals) {
  sigset_t wanted;
  sigset_t before;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGUSR2);
  pthread_sigmask(SIG_SETMASK, &wanted, &before);
  FillPool pool(3);
  EXPECT_TRUE(runs_on(pool, 3));
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, &before, &after);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGCHLD, SIGPROF}) {
    EXPECT_EQ(sigismember(&after, signal), signal == SIGUSR2 ? 1 : 0) << signal;
  }
}

int starts = 0;
bool threads_exist = false;

// Where threads cannot be started, no fill, nor its slices, keep trying.
TEST(FillHelpers, AFailedStartIsNotTriedAgainAtOnce) {
  starts = 0;
  threads_exist = false;
  FillPool pool(4, [](void* (*run)(void*), void* argument) {
    ++starts;
    return threads_exist && FillPool::start_detached(run, argument);
  });
  // Ten thousand attempts may take longer than it waits, but no attempt a slice.
  const auto ignore = [](std::uint64_t, std::uint64_t) noexcept {};
  for (int i = 0; i < 10'000; ++i) EXPECT_FALSE(pool.try_run(sliced_work(ignore, 8, 1), 4));
  EXPECT_GE(starts, 1);
  EXPECT_LT(starts, 1'000);
  threads_exist = true;
  while (!runs_on(pool, 4)) std::this_thread::yield();
  const int all = starts;
  EXPECT_TRUE(runs_on(pool, 4));
  EXPECT_EQ(starts, all);
}

// Those that there are help, while others cannot be started.
TEST(FillHelpers, AFailedStartLeavesTheHelpersThatThereAre) {
  starts = 0;
  FillPool pool(3, [](void* (*run)(void*), void* argument) {
    return ++starts == 1 && FillPool::start_detached(run, argument);
  });
  EXPECT_TRUE(pool.try_run(sliced_work([](std::uint64_t, std::uint64_t) noexcept {}, 8, 1), 3));
  EXPECT_EQ(starts, 2);
  EXPECT_TRUE(runs_on(pool, 2));
}

cpu_set_t cpus_of_thread(pid_t thread) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  EXPECT_EQ(sched_getaffinity(thread, sizeof cpus, &cpus), 0);
  return cpus;
}

// A caller that is pinned to a CPU does not have its helpers pinned there with it.
TEST(FillHelpers, HelpersMayUseTheProcesssCpus) {
  const cpu_set_t all = cpus_of_thread(getpid());
  if (CPU_COUNT(&all) == 1) GTEST_SKIP() << "on one CPU all masks are alike";
  cpu_set_t of_helper;
  std::thread pinned([&] {
    cpu_set_t one = all;
    for (int cpu = 0, found = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &one) && ++found > 1) CPU_CLR(cpu, &one);
    }
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    FillPool pool(2);
    std::latch both(2);
    const std::thread::id caller = std::this_thread::get_id();
    const auto look = [&](std::uint64_t, std::uint64_t) noexcept {
      if (std::this_thread::get_id() != caller) of_helper = cpus_of_thread(0);
      both.arrive_and_wait();
    };
    ASSERT_TRUE(pool.try_run(sliced_work(look, 2, 1), 2));
    EXPECT_EQ(CPU_COUNT(&one), 1);
  });
  pinned.join();
  EXPECT_TRUE(CPU_EQUAL(&of_helper, &all));
}

}  // namespace
}  // namespace counterpoint
