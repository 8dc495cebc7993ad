// What a strategy leaves behind when it stops: its last calls in a file, if there is a place for it;
// and a replica that hangs, named by its own rank.
#include "counterpoint/strategy/internal/last_calls.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "counterpoint/runtime/generator.h"
#include "counterpoint/runtime/thread_communicator.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "runtime/expect_error.h"
#include "runtime/own_folder.h"
#include "strategy/thread_ranks.h"

namespace counterpoint {
namespace {

namespace fs = std::filesystem;

class LastCalls : public testing::Test {
 protected:
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
  std::string path() const { return folder_.string() + "/counterpoint-last-calls-rank-0.txt"; }
  std::string text() const {
    std::ifstream file(path());
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // What a run throws in which replica 1 draws once more.
  static std::string message_of_a_difference(const std::string& folder) {
    MirroredStrategy strategy({.replicas_per_rank = 2, .last_calls_folder = folder});
    const auto scope = strategy.scope();
    auto noise = Generator::from_seed(1);
    try {
      strategy.run([&](ReplicaContext& replica) {
        (void)noise.normal<float>({2});
        if (replica.replica_id() == 1) (void)noise.uniform<float>({});
      });
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::diverged);
      return error.message();
    }
    return {};
  }

  const OwnFolder own_folder_;  // never one of before: the process knows what it has written
  const fs::path folder_ = own_folder_.path();
};

TEST_F(LastCalls, StandInAFileThatTheErrorNames) {
  EXPECT_THAT(message_of_a_difference(folder_), testing::HasSubstr(path()));
  EXPECT_EQ(files(), 1u) << "and nothing unfinished beside it";
  for (const char* words : {"diverged", "replica 0 made 2 calls", "replica 1 made 3 calls",
                            "call 1: normal f32 [2] of generator made at last_calls_test.cc:",
                            "call 2: uniform f32 []"}) {
    EXPECT_THAT(text(), testing::HasSubstr(words));
  }
}

TEST_F(LastCalls, AreNotThereAfterSuccess) {
  MirroredStrategy strategy({.replicas_per_rank = 2, .last_calls_folder = folder_});
  strategy.run([](ReplicaContext&) {});
  strategy.check();
  EXPECT_EQ(files(), 0u);
}

TEST_F(LastCalls, AreASmallFile) {
  std::vector<LocalReplica> replicas(100);
  for (LocalReplica& replica : replicas) {
    for (int i = 0; i < 100; ++i) {
      replica.log.record(1, {.shape = {}, .location = std::source_location::current()});
    }
  }
  EXPECT_EQ(write_last_calls(folder_, 0, "why", 0, replicas).path, path());
  EXPECT_GT(fs::file_size(path()), 60u << 10);
  EXPECT_LE(fs::file_size(path()), 64u << 10);
  EXPECT_TRUE(text().ends_with("\n...\n"));
  EXPECT_THAT(text(), testing::HasSubstr("call 99: normal f32 []"));
  EXPECT_THAT(text(), testing::Not(testing::HasSubstr("call 35:"))) << "the last 64 of each";
}

TEST_F(LastCalls, GoWhereTheEnvironmentSays) {
  ::setenv("COUNTERPOINT_LAST_CALLS_FOLDER", folder_.c_str(), 1);
  EXPECT_EQ(last_calls_folder(std::nullopt), folder_.string());
  EXPECT_EQ(last_calls_folder("elsewhere"), "elsewhere");
  ::unsetenv("COUNTERPOINT_LAST_CALLS_FOLDER");
  EXPECT_EQ(last_calls_folder(std::nullopt), ".");
}

// What an error has named stays as it is named; what an earlier process left is replaced.
TEST_F(LastCalls, OfAnotherStrategyAreInAnotherFile) {
  std::ofstream(path()) << "of an earlier process";
  EXPECT_THAT(message_of_a_difference(folder_), testing::HasSubstr(path()));
  const std::string second = folder_.string() + "/counterpoint-last-calls-rank-0-2.txt";
  const std::string before = text();
  EXPECT_THAT(message_of_a_difference(folder_), testing::HasSubstr(second));
  EXPECT_EQ(text(), before);
  EXPECT_EQ(files(), 2u);
}

// In a container, process numbers come again.
TEST_F(LastCalls, AreWrittenBesideWhatAProcessOfThisNumberLeft) {
  const std::string stale = path() + "." + std::to_string(::getpid());
  std::ofstream(stale) << "unfinished";
  EXPECT_THAT(message_of_a_difference(folder_), testing::HasSubstr(path()));
  EXPECT_EQ(files(), 2u);
}

// A strategy that an exception destroys waits for no rank, and so has no deadline to complain of.
TEST_F(LastCalls, AreNotOfAStrategyThatAnExceptionDestroys) {
  const auto worlds = ThreadCommunicator::create(2);
  std::promise<void> gone;
  const auto rank = [&](std::size_t index) {
    try {
      MirroredStrategy strategy(worlds[index],
                                {.timeout_seconds = 1, .last_calls_folder = folder_.string()});
      if (index == 1) gone.get_future().wait();
      strategy.run([](ReplicaContext&) {});
      if (index == 0) throw std::runtime_error("no more data");
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "no more data");
      if (index == 0) gone.set_value();
    }
  };
  {
    std::jthread first(rank, 0);
    std::jthread second(rank, 1);
  }
  EXPECT_EQ(files(), 0u);
}

TEST_F(LastCalls, NeedAFolder) {
  std::ofstream(folder_ / "file") << "text";
  for (const fs::path& folder : {folder_ / "absent", folder_ / "file"}) {
    expect_error(ErrorCode::invalid_argument, {"last_calls_folder", folder.string()},
                 [&] { MirroredStrategy({.last_calls_folder = folder.string()}); });
  }
}

// Whatever becomes of the folder, the error is the same but for what is said of the file.
TEST_F(LastCalls, MakeNothingWorse) {
  const std::string plain = message_of_a_difference("");
  EXPECT_FALSE(plain.empty());
  const std::string unwritten = plain + "; the last calls of rank 0 could not be written: ";
  EXPECT_EQ(message_of_a_difference("/proc"),
            unwritten + "/proc/counterpoint-last-calls-rank-0.txt: No such file or directory")
      << "where nobody can write";
  fs::create_symlink("/dev/null", path());
  EXPECT_THAT(message_of_a_difference(folder_), testing::HasSubstr(path()));
  EXPECT_FALSE(fs::is_symlink(path())) << "a link that lies there is replaced, not followed";
  EXPECT_EQ(files(), 1u);
  fs::remove(path());
  // A disk that is full after the first bytes.
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit small{.rlim_cur = 100, .rlim_max = limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string message = message_of_a_difference(folder_);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(message, unwritten + path() + ": File too large");
  EXPECT_EQ(files(), 0u) << "no part of it is left";
}

TEST(HungReplica, IsNamedByItsOwnRank) {
  // The thread comes back from its function when run() has gone: it refers to copies.
  const auto released = std::make_shared<std::promise<void>>();
  const std::shared_future<void> release = released->get_future().share();
  const auto start = std::chrono::steady_clock::now();
  for (const bool others_wait : {true, false}) {
    auto strategy = std::make_unique<MirroredStrategy>(
        StrategyOptions{.replicas_per_rank = 3, .timeout_seconds = 0.3, .last_calls_folder = ""});
    auto noise = std::make_shared<Generator>([&] {
      const auto scope = strategy->scope();
      return Generator::from_seed(1, {.name = "noise"});
    }());
    expect_error(
        ErrorCode::deadline_exceeded,
        {"replica 1", "running since call 1: normal f32 [2]", "last_calls_test.cc:", "0.3 s"}, [&] {
          strategy->run([release, noise, others_wait](ReplicaContext& replica) {
            (void)noise->normal<float>({2});
            if (replica.replica_id() == 1) release.wait();
            std::vector<float> values(1);
            if (others_wait) replica.all_reduce(values, Reduce::sum);
          });
        });
    expect_error(ErrorCode::failed_precondition, {"stopped"},
                 [&] { strategy->run([](ReplicaContext&) {}); });
    strategy.reset();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  released->set_value();  // they come back, and sleep for good
}

// The thread that makes the communicator's calls is free to say what keeps its rank: every rank names the
// replica, though its own deadline began long after the others'.
TEST(HungReplica, IsNamedOnEveryRank) {
  const auto released = std::make_shared<std::promise<void>>();
  const std::shared_future<void> release = released->get_future().share();
  on_thread_ranks(3, [release](const auto& world) {
    MirroredStrategy strategy(
        world, {.replicas_per_rank = 2, .timeout_seconds = 0.5, .last_calls_folder = ""});
    const auto scope = strategy.scope();
    auto noise = std::make_shared<Generator>(Generator::from_seed(1, {.name = "noise"}));
    expect_error(ErrorCode::deadline_exceeded,
                 {"replica 3 is running since call 1: normal f32 [2] of generator 'noise' at "
                  "last_calls_test.cc:"},
                 [&] {
                   strategy.run([release, noise](ReplicaContext& replica) {
                     (void)noise->normal<float>({2});
                     if (replica.replica_id() == 3) release.wait();
                     if (replica.replica_id() == 2) {
                       std::this_thread::sleep_for(std::chrono::milliseconds(300));
                     }
                     std::vector<float> values(1);
                     replica.all_reduce(values, Reduce::sum);
                   });
                 });
  });
  released->set_value();
}

// A replica that entered by itself, and waits for a rank that does not come: the error names its own call.
TEST(EnteredReplica, IsNamedWithTheCallThatWaits) {
  std::promise<void> expired;
  on_thread_ranks(2, [&](const auto& world) {
    MirroredStrategy strategy(world, {.timeout_seconds = 0.3, .last_calls_folder = ""});
    const auto scope = strategy.scope();
    auto noise = Generator::from_seed(1, {.name = "noise"});
    const auto replica = strategy.enter_replica();
    (void)noise.normal<float>({2});
    if (world->rank() == 1) return expired.get_future().wait();
    std::vector<float> values(3);
    const auto line = std::source_location::current();
    expect_error(ErrorCode::deadline_exceeded,
                 {"rank 1", "here: replica 0 is at all_reduce f32 [3] at last_calls_test.cc:" +
                                std::to_string(line.line())},
                 [&] { replica->all_reduce(values, Reduce::sum, line); });
    expired.set_value();
  });
}

}  // namespace
}  // namespace counterpoint
