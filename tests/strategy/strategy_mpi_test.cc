// The scenarios with ranks as MPI processes. Ends with a line that says how many were run; every
// rank fails if it is not one of as many ranks as were asked for.
#include <gtest/gtest.h>
#include <mpi.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "runtime/expect_error.h"
#include "strategy/scenarios.h"

namespace counterpoint {
namespace {

std::shared_ptr<Communicator>& the_world() {
  static std::shared_ptr<Communicator> world;
  return world;
}

class StrategyMpi : public testing::TestWithParam<std::tuple<Scenario, int>> {};

TEST_P(StrategyMpi, Scenario) {
  const auto& [scenario, replicas_per_rank] = GetParam();
  scenario.run(the_world(), replicas_per_rank);
}

INSTANTIATE_TEST_SUITE_P(Ranks, StrategyMpi,
                         testing::Combine(testing::ValuesIn(all_scenarios()),
                                          testing::Values(1, 2)),
                         [](const auto& test) {
                           return std::string(std::get<0>(test.param).name) + "_x" +
                                  std::to_string(std::get<1>(test.param));
                         });

// MPI at FUNNELED is for one thread: what another may not do is refused before anything is logged.
TEST(StrategyMpiThreads, OfAnOnlyReplicaDoNotCommunicate) {
  int level = 0;
  MPI_Query_thread(&level);
  ASSERT_EQ(level, MPI_THREAD_FUNNELED);
  MirroredStrategy strategy(the_world(), {.timeout_seconds = 60, .last_calls_folder = ""});
  strategy.run([](ReplicaContext& replica) {
    std::vector<float> values(1, 1.0F);
    if (replica.rank() == 0) {
      std::jthread([&] {
        const ContextGuard bound = replica.bind_thread();
        expect_error(ErrorCode::failed_precondition, {"thread", "MPI_THREAD_FUNNELED"},
                     [&] { replica.all_reduce(values, Reduce::sum); });
      });
    }
    replica.all_reduce(values, Reduce::sum);
    EXPECT_EQ(values[0], static_cast<float>(the_world()->size()));
  });
  strategy.check();
}

// Nor does it change anything to call the strategy itself there.
TEST(StrategyMpiThreads, OtherThanTheOneThatInitialisedMpiChangeNothing) {
  if (the_world()->size() == 1) GTEST_SKIP() << "a rank that is alone sends nothing";
  for (const int replicas_per_rank : {1, 2}) {
    MirroredStrategy strategy(
        the_world(),
        {.replicas_per_rank = replicas_per_rank, .timeout_seconds = 60, .last_calls_folder = ""});
    if (the_world()->rank() == 0) {
      std::jthread([&] {
        const auto refused = [](const std::function<void()>& call) {
          expect_error(ErrorCode::failed_precondition, {"MPI_THREAD_FUNNELED"}, call);
        };
        refused(
            [&] { strategy.run([](ReplicaContext&) { ADD_FAILURE() << "a replica has run"; }); });
        refused([&] { strategy.check(); });
        refused([&] { (void)strategy.any(true); });
        refused([&] { (void)strategy.variable<float>({3}); });
        if (replicas_per_rank == 1) refused([&] { (void)strategy.enter_replica(); });
        const auto scope = strategy.scope();
        auto noise = Generator::from_seed(1, {.name = "made on that thread alone"});
        refused([&] { noise.saveable()->ensure_in_step(); });
        refused([&] { noise.saveable()->begin_restore(); });
      });
    }
    const auto scope = strategy.scope();
    if (the_world()->rank() != 0) {
      (void)Generator::from_seed(1, {.name = "made on that thread alone"});
    }
    strategy.run([](ReplicaContext&) {});
    EXPECT_TRUE(strategy.any(true));
    strategy.check();
  }
}

TEST(StrategyMpiRanks, AreAsManyAsAsked) {
  const char* expected = std::getenv("COUNTERPOINT_EXPECTED_RANKS");
  ASSERT_NE(expected, nullptr);
  EXPECT_EQ(the_world()->size(), std::atoi(expected));
}

}  // namespace
}  // namespace counterpoint

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  counterpoint::the_world() = counterpoint::Communicator::world(&argc, &argv);
  const int failed = RUN_ALL_TESTS();
  counterpoint::the_world().reset();
  return failed;
}
