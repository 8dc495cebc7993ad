// What several scenarios set up: a strategy that differs in one thing from the usual, the replica that is
// the odd one, a generator's state.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "runtime/expect_error.h"
#include "strategy/scenarios.h"

namespace counterpoint {

using World = std::shared_ptr<Communicator>;

// With a deadline that ends a test that hangs, and without files of last calls.
inline StrategyOptions quiet_options(int replicas_per_rank,
                                     OnDivergence on_divergence = OnDivergence::stop) {
  return {.replicas_per_rank = replicas_per_rank,
          .timeout_seconds = 60,
          .on_divergence = on_divergence,
          .last_calls_folder = ""};
}

inline bool is_last(const ReplicaContext& replica) {
  return replica.replica_id() == replica.num_replicas_in_sync() - 1;
}

inline std::vector<std::int64_t> words(const Generator& generator) {
  const Tensor state = generator.state();
  const auto values = state.values<std::int64_t>();
  return {values.begin(), values.end()};
}

// What `run` throws, which is to say that replicas differ.
template <class Run>
std::string message_of(Run run) {
  try {
    run();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::diverged) << error.what();
    return error.message();
  }
  return {};
}

}  // namespace counterpoint
