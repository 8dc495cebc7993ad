// The scenarios with ranks as MPI processes. Ends with a line that says how many were run; every
// rank fails if it is not one of as many ranks as were asked for.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "counterpoint/runtime/communicator.h"
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
