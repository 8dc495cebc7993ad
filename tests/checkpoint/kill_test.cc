// A training whose process is killed goes on from one whole generation, at another number of
// replicas, that is never older than the last save that had returned.
//
// At every system call of a save, on all of its threads; and at random moments of a training run,
// COUNTERPOINT_KILLS (20) of them. What fails is named by the call, or by the kill and the seed
// (COUNTERPOINT_SEED).
#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <random>

#include "checkpoint/generations.h"
#include "checkpoint/support.h"
#include "checkpoint/traced_child.h"
#include "counterpoint/checkpoint/checkpoint_manager.h"

namespace checkpoint_tests {
namespace {

std::int64_t from_environment(const char* name, std::int64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoll(text);
}

// What a new job of `replicas` replicas finds in the folder; a test failure if it is not whole.
std::int64_t found_by(int replicas, const std::string& folder, std::int64_t elements) {
  Generations training(one_rank(), replicas, elements);
  cp::CheckpointManager manager(one_rank(), folder, training.objects());
  manager.restore_latest();
  EXPECT_TRUE(training.whole()) << "step " << training.step();
  EXPECT_TRUE(manager.last_restore().skipped.empty()) << manager.last_restore().to_string();
  return training.step();
}

struct Save {
  const char* name;
  bool async;
  std::int64_t elements;
};

class Kill : public testing::TestWithParam<Save> {};

TEST_P(Kill, AtEverySystemCallLeavesAWholeGeneration) {
  const TemporaryFolder folder;
  const auto save_next = [&](const std::function<void()>& before_save) {
    Generations training(one_rank(), 2, GetParam().elements);
    cp::CheckpointManager manager(one_rank(), folder / "run", training.objects(), {.keep = 2});
    manager.restore_latest();
    training.advance();
    before_save();
    if (GetParam().async) {
      manager.save_async(training.step());
      manager.wait();
    } else {
      manager.save(training.step());
    }
  };
  save_next([] {});
  std::int64_t last = 1;
  int new_ones = 0;
  int at = 0;
  for (;; ++at) {
    const Traced child = run_traced([&] { save_next(&count_from_here); }, at);
    if (HasFailure()) return;
    const std::int64_t found = found_by(at % 2 == 0 ? 3 : 1, folder / "run", GetParam().elements);
    if (!child.killed) {
      EXPECT_TRUE(WIFEXITED(child.status) && WEXITSTATUS(child.status) == 0);
      EXPECT_EQ(found, last + 1);
      break;
    }
    ASSERT_TRUE(found == last || found == last + 1) << "killed at call " << at;
    new_ones += found == last + 1 ? 1 : 0;
    last = found;
  }
  EXPECT_GT(at, 20) << "so many calls has a save at least";
  EXPECT_GT(new_ones, 0) << "some kills come after the rename";
  RecordProperty("system_calls", at);
  std::printf("killed at each of %d system calls; %d times the new file was there\n", at, new_ones);
}

INSTANTIATE_TEST_SUITE_P(Save, Kill,
                         testing::Values(Save{"small", false, 1000}, Save{"async", true, 1000},
                                         Save{"on_several_threads", false, 9 << 17}),
                         [](const auto& test) { return std::string(test.param.name); });

// Trains and saves for ever; says through `pipe` which saves have returned.
[[noreturn]] void train(const std::string& folder, int replicas, int pipe) {
  const auto say = [&](std::int64_t step) {
    if (::write(pipe, &step, sizeof(step)) != sizeof(step)) ::_exit(1);
  };
  Generations training(one_rank(), replicas);
  cp::CheckpointManager manager(one_rank(), folder, training.objects(), {.keep = 2});
  manager.restore_latest();
  say(training.step());
  for (;;) {
    training.advance();
    if (training.step() % 3 == 0) {
      manager.save(training.step());
      say(training.step());
    } else {
      if (!manager.wait().path.empty()) say(training.step() - 1);
      manager.save_async(training.step());
    }
  }
}

TEST(Kill, AtRandomMomentsOfATrainingLeavesAWholeGeneration) {
  const std::int64_t kills = from_environment("COUNTERPOINT_KILLS", 20);
  const std::int64_t seed = from_environment("COUNTERPOINT_SEED", 1);
  ASSERT_GT(kills, 0);
  std::mt19937_64 random(static_cast<std::uint64_t>(seed));
  const TemporaryFolder folder;
  std::int64_t last = 0;
  std::uint64_t longest_us = 30'000;
  for (std::int64_t kill = 0; kill < kills; ++kill) {
    const int replicas = 1 + static_cast<int>(random() % 4);
    int pipe[2];
    ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(pipe[0]);
      train(folder / "run", replicas, pipe[1]);
    }
    ::close(pipe[1]);
    std::int64_t said = -1;
    ASSERT_EQ(::read(pipe[0], &said, sizeof(said)), static_cast<ssize_t>(sizeof(said)))
        << "kill " << kill << " of seed " << seed << ": the training did not begin";
    EXPECT_EQ(said, last);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % longest_us));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    while (::read(pipe[0], &said, sizeof(said)) == sizeof(said)) {
    }
    ::close(pipe[0]);
    last = found_by(1 + replicas % 4, folder / "run", 1000);
    ASSERT_GE(last, said) << "kill " << kill << " of seed " << seed
                          << ": a save that had returned is gone";
    ASSERT_FALSE(HasFailure()) << "kill " << kill << " of seed " << seed;
    // On a slow disk nothing is saved so soon.
    if (last == 0) longest_us = std::min<std::uint64_t>(2 * longest_us, 4'000'000);
  }
  EXPECT_GT(last, 0) << "trainings got somewhere between the kills";
}

}  // namespace
}  // namespace checkpoint_tests
