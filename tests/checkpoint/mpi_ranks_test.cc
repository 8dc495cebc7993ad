// The collective cases with processes as ranks: run by mpirun, one gtest a case.
#include <gtest/gtest.h>

#include <cstdlib>

#include "checkpoint/collective_cases.h"

namespace checkpoint_tests {
namespace {

World world;  // as gtest's environment: made in main, gone before MPI ends

class MpiRanks : public testing::TestWithParam<NamedCase> {};

TEST_P(MpiRanks, Hold) {
  std::optional<TemporaryFolder> folder;
  if (world->rank() == 0) folder.emplace();
  std::string path = folder ? folder->path() : "";
  internal::broadcast_text(*world, path);
  GetParam().body(world, path);
  world->barrier();
}

INSTANTIATE_TEST_SUITE_P(Checkpoint, MpiRanks, testing::ValuesIn(all_cases),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(MpiRanks, CountsItsRanks) {
  const char* expected = std::getenv("COUNTERPOINT_EXPECTED_RANKS");
  ASSERT_NE(expected, nullptr);
  EXPECT_EQ(world->size(), std::atoi(expected));
}

}  // namespace
}  // namespace checkpoint_tests

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  checkpoint_tests::world = counterpoint::Communicator::world(&argc, &argv);
  checkpoint_tests::world->set_timeout_seconds(60);
  const int result = RUN_ALL_TESTS();
  checkpoint_tests::world.reset();
  return result;
}
