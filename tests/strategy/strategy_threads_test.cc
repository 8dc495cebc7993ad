// The scenarios with ranks as threads of this process.
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <tuple>

#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "strategy/scenarios.h"
#include "strategy/thread_ranks.h"

namespace counterpoint {
namespace {

class StrategyThreads : public testing::TestWithParam<std::tuple<Scenario, std::pair<int, int>>> {};

TEST_P(StrategyThreads, Scenario) {
  const auto& [scenario, split] = GetParam();
  const auto [ranks, replicas_per_rank] = split;
  on_thread_ranks(ranks, [&scenario = scenario, replicas = replicas_per_rank](const auto& world) {
    scenario.run(world, replicas);
  });
}

std::string name_of(const testing::TestParamInfo<StrategyThreads::ParamType>& test) {
  const std::pair<int, int> split = std::get<1>(test.param);
  return std::string(std::get<0>(test.param).name) + "_" + std::to_string(split.first) + "x" +
         std::to_string(split.second);
}

INSTANTIATE_TEST_SUITE_P(Splits, StrategyThreads,
                         testing::Combine(testing::ValuesIn(all_scenarios()),
                                          testing::Values(std::pair(1, 1), std::pair(1, 2),
                                                          std::pair(2, 1), std::pair(2, 2),
                                                          std::pair(1, 7), std::pair(3, 2))),
                         name_of);

// A generator made outside that has gone has no turns to be answered: ends are deferred again.
TEST(EndsOfRuns, WaitForNobodyOnceTheGeneratorOutsideHasGone) {
  std::promise<void> ended;
  on_thread_ranks(2, [&](const std::shared_ptr<Communicator>& world) {
    MirroredStrategy strategy(world, {.timeout_seconds = 5, .last_calls_folder = ""});
    {
      auto outside = Generator::from_seed(1, {.name = "outside"});
      strategy.run([&](ReplicaContext&) { (void)outside.normal<float>({}); });
    }
    if (world->rank() == 1) ended.get_future().wait();
    EXPECT_NO_THROW(strategy.run([](ReplicaContext&) {}));
    if (world->rank() == 0) ended.set_value();
    EXPECT_NO_THROW(strategy.check());
  });
}

TEST(Deadlines, SayOnceWhereAllWereTogether) {
  std::promise<void> seen;
  on_thread_ranks(2, [&](const std::shared_ptr<Communicator>& world) {
    MirroredStrategy strategy(world, {.timeout_seconds = 0.3, .last_calls_folder = ""});
    strategy.run([](ReplicaContext&) {});
    strategy.check();
    if (world->rank() == 1) return seen.get_future().wait();
    try {
      strategy.check();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      const std::string& text = error.message();
      const std::string words = "all ranks were last together";
      EXPECT_NE(text.find(words), std::string::npos) << text;
      EXPECT_EQ(text.find(words), text.rfind(words)) << text;
    }
    seen.set_value();
  });
}

}  // namespace
}  // namespace counterpoint
