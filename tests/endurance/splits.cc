#include "endurance/splits.h"

#include <cstdlib>
#include <thread>

#include "counterpoint/runtime/thread_communicator.h"

namespace counterpoint {
namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

int expected_ranks() { return static_cast<int>(number_from("COUNTERPOINT_EXPECTED_RANKS", 0)); }

}  // namespace

std::vector<Split> splits() {
  if (const int ranks = expected_ranks(); ranks > 0) return {{ranks, 1}, {ranks, 2}, {ranks, 3}};
  return {{1, 1}, {1, 4}, {2, 2}, {3, 1}, {4, 2}};
}

std::string split_name(const testing::TestParamInfo<Split>& test) {
  return std::to_string(test.param.ranks) + "x" + std::to_string(test.param.replicas_per_rank);
}

void on_every_rank(const Split& split, const std::function<void(const World&)>& body) {
  const auto guarded = [&body](const World& world) {
    try {
      body(world);
    } catch (const std::exception& error) {
      ADD_FAILURE() << "rank " << world->rank() << " threw " << error.what();
    }
  };
  if (expected_ranks() > 0) {
    const World world = Communicator::world();
    ASSERT_EQ(world->size(), split.ranks) << "ranks, of as many as were asked for";
    guarded(world);
    return;
  }
  std::vector<std::jthread> threads;
  for (const auto& world : ThreadCommunicator::create(split.ranks)) {
    threads.emplace_back([&guarded, world] { guarded(world); });
  }
}

std::uint64_t seed() { return number_from("COUNTERPOINT_SEED", 1); }

int times(int few) { return few * static_cast<int>(number_from("COUNTERPOINT_EFFORT", 1)); }

}  // namespace counterpoint

// Under mpirun MPI is initialised before anything else, and a run of no tests fails.
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  (void)counterpoint::Communicator::world(&argc, &argv);
  const int result = RUN_ALL_TESTS();
  const bool nothing_ran = testing::UnitTest::GetInstance()->successful_test_count() == 0;
  return result != 0 || (nothing_ran && !testing::GTEST_FLAG(list_tests)) ? 1 : 0;
}
