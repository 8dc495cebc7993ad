// Ranks that are MPI processes: every scenario, under mpirun. Fails unless it got the number of
// ranks that COUNTERPOINT_EXPECTED_RANKS tells.
#include <gtest/gtest.h>
#include <mpi.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "counterpoint/runtime/communicator.h"
#include "runtime/communicator_scenarios.h"

namespace counterpoint {
namespace {

class CommunicatorOnMpi : public testing::TestWithParam<Scenario> {};

TEST_P(CommunicatorOnMpi, Scenario) {
  const auto ranks = Communicator::world()->duplicate();
  ranks->set_timeout_seconds(60);
  GetParam().run(*ranks);
}

INSTANTIATE_TEST_SUITE_P(Ranks, CommunicatorOnMpi, testing::ValuesIn(communicator_scenarios()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(MpiWorld, IsOneHandle) {
  EXPECT_EQ(Communicator::world(), Communicator::world());
  EXPECT_NE(Communicator::world()->describe().find("MPI"), std::string::npos);
}

// What goes wrong in one operation is not to end a job whose MPI we initialised. The handler of a
// program that did it itself stays: communicator_user_mpi.cc.
TEST(MpiWorld, ReturnsErrorsWhereItInitialisedMpi) {
  MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
  MPI_Comm_get_errhandler(MPI_COMM_WORLD, &handler);
  EXPECT_EQ(handler, MPI_ERRORS_RETURN);
}

}  // namespace
}  // namespace counterpoint

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const auto world = counterpoint::Communicator::world(&argc, &argv);
  const char* const expected = std::getenv("COUNTERPOINT_EXPECTED_RANKS");
  if (expected == nullptr || std::to_string(world->size()) != expected) {
    std::fprintf(stderr, "%d ranks, expected %s\n", world->size(),
                 expected != nullptr ? expected : "a number in COUNTERPOINT_EXPECTED_RANKS");
    return 1;
  }
  const int result = RUN_ALL_TESTS();
  const bool nothing_ran = testing::UnitTest::GetInstance()->successful_test_count() == 0;
  return result != 0 || nothing_ran ? 1 : 0;
}
