// Runs a test's body as every rank: ranks that are threads of this process, or, under mpirun, the
// processes of the job.
//
//   class Turns : public testing::TestWithParam<Split> {};
//   TEST_P(Turns, AreTaken) { on_every_rank(GetParam(), [&](const World& world) { ... }); }
//   INSTANTIATE_TEST_SUITE_P(Splits, Turns, testing::ValuesIn(splits()), split_name);
//
// Under mpirun COUNTERPOINT_EXPECTED_RANKS is set, and says how many ranks there have to be. What a
// body throws is a failure. COUNTERPOINT_SEED sets the seed of what is random, and
// COUNTERPOINT_EFFORT multiplies how much is done; messages name the seed.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "counterpoint/runtime/communicator.h"

namespace counterpoint {

using World = std::shared_ptr<Communicator>;

struct Split {
  int ranks = 1;
  int replicas_per_rank = 1;
};

// The splits to test: several on threads; under mpirun those of its ranks.
std::vector<Split> splits();
std::string split_name(const testing::TestParamInfo<Split>& test);

void on_every_rank(const Split& split, const std::function<void(const World&)>& body);

std::uint64_t seed();
// `few` in CI; in a soak COUNTERPOINT_EFFORT times as many.
int times(int few);

}  // namespace counterpoint
