// Threads of the checkpoints: as many as were asked for, and deaf to the program's signals.
#include "counterpoint/checkpoint/internal/parallel.h"

#include <signal.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>

#include "checkpoint/faulty_files.h"
#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint_manager.h"
#include "counterpoint/checkpoint/internal/digest_tree.h"

namespace checkpoint_tests {
namespace {

constexpr int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
constexpr int signals[] = {SIGUSR1, SIGINT, SIGTERM, SIGALRM, SIGCHLD, SIGXFSZ};

void expect_deaf() {
  sigset_t blocked;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  for (const int signal : signals) EXPECT_EQ(::sigismember(&blocked, signal), 1) << signal;
  for (const int fault : faults) EXPECT_EQ(::sigismember(&blocked, fault), 0) << fault;
}

void expect_listening() {
  sigset_t blocked;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  for (const int signal : signals) EXPECT_EQ(::sigismember(&blocked, signal), 0) << signal;
}

TEST(Parallel, UsesAsManyThreadsAsWereAskedForAndNoSignalReachesThem) {
  constexpr std::size_t workers = 3;
  std::mutex mutex;
  std::condition_variable came;
  std::set<std::size_t> seen;
  std::size_t pieces = 0;
  // Each waits for all of them: the first could do the work before the others start.
  internal::for_each_in_parallel(64, workers, [&](std::size_t, std::size_t worker) {
    worker == 0 ? expect_listening() : expect_deaf();
    std::unique_lock lock(mutex);
    ++pieces;
    seen.insert(worker);
    came.notify_all();
    came.wait_for(lock, std::chrono::seconds(60), [&] { return seen.size() == workers; });
  });
  EXPECT_EQ(pieces, 64u);
  EXPECT_EQ(seen, (std::set<std::size_t>{0, 1, 2}));
  expect_listening();
}

TEST(Parallel, GivesLeavesToNoMoreThreadsThanWereAskedFor) {
  for (const std::size_t workers : {1, 2, 5}) {
    std::atomic<std::size_t> leaves = 0;
    internal::for_each_pair_of_leaves(101, workers,
                                      [&](std::size_t begin, std::size_t end, std::size_t worker) {
                                        EXPECT_LT(worker, workers);
                                        leaves += end - begin;
                                      });
    EXPECT_EQ(leaves, 101u);
  }
}

TEST(Parallel, NoSignalReachesTheThreadThatWrites) {
  const TemporaryFolder folder;
  std::int64_t value = 1;
  auto files = std::make_shared<FaultyFiles>();
  cp::CheckpointManager manager(one_rank(), folder / "run", {{"value", value}}, {.files = files});
  bool asked = false;
  files->decide = [&](const std::string& call, int) {
    if (call == "write") {
      expect_deaf();
      asked = true;
    }
    return 0;
  };
  manager.save_async(1);
  manager.wait();
  EXPECT_TRUE(asked);
  expect_listening();
}

}  // namespace
}  // namespace checkpoint_tests
