// Ranks that are threads: every scenario at 1, 2, 3, 4 and 7 ranks, and what happens when a rank
// does not come, leaves, gives up or calls something else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mpi.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "counterpoint/runtime/thread_communicator.h"
#include "runtime/communicator_scenarios.h"

namespace counterpoint {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Each rank in a thread of its own; handles leave with their threads.
void on_threads(int size, const std::function<void(Communicator&)>& function) {
  auto handles = ThreadCommunicator::create(size);
  std::vector<std::thread> threads;
  for (auto& handle : handles) {
    threads.emplace_back([&function, own = std::move(handle)] {
      try {
        own->set_timeout_seconds(60);
        function(*own);
      } catch (const std::exception& error) {
        ADD_FAILURE() << own->describe() << ": " << error.what();
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

void expect_error(const std::function<void()>& call, ErrorCode code,
                  const testing::Matcher<std::string>& message) {
  try {
    call();
    ADD_FAILURE() << "nothing thrown, wanted " << error_code_name(code);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_THAT(error.message(), message);
  }
}

class CommunicatorOnThreads : public testing::TestWithParam<std::tuple<int, Scenario>> {};

TEST_P(CommunicatorOnThreads, Scenario) {
  const auto& [size, scenario] = GetParam();
  on_threads(size, [&](Communicator& ranks) { scenario.run(ranks); });
}

INSTANTIATE_TEST_SUITE_P(Ranks, CommunicatorOnThreads,
                         testing::Combine(testing::Values(1, 2, 3, 4, 7),
                                          testing::ValuesIn(communicator_scenarios())),
                         [](const auto& test) {
                           return std::string(std::get<1>(test.param).name) + "At" +
                                  std::to_string(std::get<0>(test.param));
                         });

TEST(ThreadCommunicator, NamesTheRanksThatDoNotCome) {
  auto ranks = ThreadCommunicator::create(4);
  std::vector<std::thread> threads;
  for (const int rank : {0, 2}) {
    threads.emplace_back([&, rank] {
      float value = 1;
      ranks[rank]->set_timeout_seconds(0.1);
      const auto call = [&] { ranks[rank]->all_reduce(std::span(&value, 1), Reduce::sum); };
      expect_error(call, ErrorCode::deadline_exceeded,
                   AllOf(HasSubstr("all_reduce of 1 f32"),
                         HasSubstr("ranks 1 (made 0 calls) and 3 (made 0 calls)"),
                         HasSubstr("within 0.1 s")));
      EXPECT_EQ(value, 1.0F);
    });
  }
  for (auto& thread : threads) thread.join();
  for (const int late : {1, 3}) {
    expect_error([&] { ranks[late]->barrier(); }, ErrorCode::deadline_exceeded,
                 HasSubstr("ranks 1 (made 0"));
  }
  for (const auto& rank : ranks) {
    expect_error([&] { rank->barrier(); }, ErrorCode::failed_precondition,
                 HasSubstr("unusable since: call 1, all_reduce of 1 f32, sum: ranks 1 (made 0"));
    EXPECT_THAT(rank->describe(), HasSubstr("unusable"));
  }
}

TEST(ThreadCommunicator, AnExpiredTestIsNoExpiredWait) {
  auto ranks = ThreadCommunicator::create(2);
  Work early = ranks[0]->start_barrier();
  EXPECT_FALSE(early.test());
  ranks[1]->start_barrier().wait(0);
  EXPECT_TRUE(early.test());
}

// Rank 0 waits for rank 1, which looks whether it is missed until it is.
TEST(ThreadCommunicator, AMissedRankSaysWhyItDoesNotCome) {
  auto ranks = ThreadCommunicator::create(2);
  EXPECT_FALSE(ranks[1]->is_missed());
  std::jthread waiting([&] {
    ranks[0]->set_timeout_seconds(0.05);
    expect_error([&] { ranks[0]->barrier(); }, ErrorCode::aborted, HasSubstr("rank 1: busy"));
  });
  while (!ranks[1]->is_missed()) std::this_thread::yield();
  ranks[1]->revoke(Error(ErrorCode::aborted, "busy"));
  expect_error([&] { (void)ranks[1]->is_missed(); }, ErrorCode::aborted, HasSubstr("busy"));
  expect_error([&] { (void)ranks[0]->is_missed(); }, ErrorCode::aborted, HasSubstr("busy"));
}

TEST(ThreadCommunicator, ARankThatCameIsMissedNoMore) {
  auto ranks = ThreadCommunicator::create(2);
  EXPECT_FALSE(ranks[1]->is_missed());
  {
    std::jthread waiting([&] {
      ranks[0]->set_timeout_seconds(0.05);
      EXPECT_NO_THROW(ranks[0]->barrier());
    });
    while (!ranks[1]->is_missed()) std::this_thread::yield();
    ranks[1]->barrier();
  }
  EXPECT_FALSE(ranks[1]->is_missed());
}

TEST(ThreadCommunicator, NamesARankThatLeft) {
  auto ranks = ThreadCommunicator::create(2);
  Work waiting = ranks[0]->start_barrier();
  ranks.pop_back();
  expect_error([&] { waiting.wait(60); }, ErrorCode::unavailable, HasSubstr("rank 1 left"));
  expect_error([&] { ranks[0]->barrier(); }, ErrorCode::failed_precondition,
               HasSubstr("rank 1 left"));
}

TEST(ThreadCommunicator, ARankMayLeaveAfterItsLastCall) {
  auto ranks = ThreadCommunicator::create(2);
  Work leaving = ranks[1]->start_barrier();
  ranks.pop_back();
  ranks[0]->barrier();
  leaving.wait(60);
}

TEST(ThreadCommunicator, RevokeReachesEveryRank) {
  auto ranks = ThreadCommunicator::create(3);
  Work waiting = ranks[0]->start_barrier();
  ranks[2]->revoke(Error(ErrorCode::resource_exhausted, "no memory for gradients"));
  ranks[1]->revoke(Error(ErrorCode::internal, "too late to matter"));
  expect_error([&] { waiting.wait(60); }, ErrorCode::resource_exhausted,
               HasSubstr("rank 2: no memory for gradients"));
  // Rank 1 had not heard of it when it gave up.
  expect_error([&] { ranks[1]->barrier(); }, ErrorCode::resource_exhausted,
               HasSubstr("rank 2: no memory for gradients"));
  for (const auto& rank : ranks) {
    expect_error([&] { rank->barrier(); }, ErrorCode::failed_precondition,
                 HasSubstr("no memory for gradients"));
  }
}

TEST(ThreadCommunicator, CallsThatDifferAreNamedOnBothRanks) {
  auto ranks = ThreadCommunicator::create(2);
  std::vector<float> values(3);
  Work waiting = ranks[0]->start_all_reduce(Buffer::of(std::span(values)), Reduce::sum);
  const auto both = AllOf(HasSubstr("rank 0 called all_reduce of 3 f32, sum"),
                          HasSubstr("rank 1 called broadcast of 3 f32 from rank 1"));
  expect_error([&] { ranks[1]->broadcast(std::span(values), 1); }, ErrorCode::diverged, both);
  expect_error([&] { waiting.wait(60); }, ErrorCode::diverged, both);
}

TEST(ThreadCommunicator, NeedsARank) {
  expect_error([] { ThreadCommunicator::create(0); }, ErrorCode::invalid_argument,
               HasSubstr("0 ranks"));
}

TEST(World, IsOneRankWithoutALauncherAndLeavesMpiAlone) {
  for (const char* variable :
       {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK", "SLURM_STEP_NUM_TASKS"})
    unsetenv(variable);
  // What a batch script sees that was not itself launched in parallel.
  setenv("SLURM_NTASKS", "8", 1);
  setenv("SLURM_STEP_NUM_TASKS", "1", 1);
  const auto world = Communicator::world();
  EXPECT_EQ(world->size(), 1);
  EXPECT_EQ(Communicator::world(), world);
  int initialized = 1;
  MPI_Initialized(&initialized);
  EXPECT_EQ(initialized, 0);
}

}  // namespace
}  // namespace counterpoint
