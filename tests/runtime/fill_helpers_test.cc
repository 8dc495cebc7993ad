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
