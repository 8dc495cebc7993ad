// The scenarios with ranks as threads of this process.
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <tuple>

#include "counterpoint/runtime/thread_communicator.h"
#include "strategy/scenarios.h"

namespace counterpoint {
namespace {

class StrategyThreads : public testing::TestWithParam<std::tuple<Scenario, std::pair<int, int>>> {};

TEST_P(StrategyThreads, Scenario) {
  const auto& [scenario, split] = GetParam();
  const auto [ranks, replicas_per_rank] = split;
  const auto worlds = ThreadCommunicator::create(ranks);
  std::vector<std::jthread> threads;
  for (const auto& world : worlds) {
    threads.emplace_back([&scenario = scenario, &world, replicas = replicas_per_rank] {
      try {
        scenario.run(world, replicas);
      } catch (const std::exception& error) {
        ADD_FAILURE() << "rank " << world->rank() << " threw " << error.what();
      }
    });
  }
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

}  // namespace
}  // namespace counterpoint
