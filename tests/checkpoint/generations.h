// States of a small training whose parts say which step they are of, so that a mixture of two steps
// is seen: the values of a variable, a number, and how far a generator has moved.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/mirrored_strategy.h"

namespace checkpoint_tests {

class Generations {
 public:
  static constexpr std::int64_t elements = 3;

  Generations(std::shared_ptr<counterpoint::Communicator> world, int replicas,
              std::int64_t variable_elements = 1000)
      : strategy_(std::move(world), {.replicas_per_rank = replicas}),
        noise_(mirrored_generator(strategy_)),
        weights_(strategy_.variable<std::int64_t>({variable_elements})) {}

  // One step of training.
  void advance() {
    step_ += 1;
    strategy_.run([&](counterpoint::ReplicaContext&) {
      noise_.uniform<float>({elements});
      weights_.assign(std::vector<std::int64_t>(weights_.values<std::int64_t>().size(), step_));
    });
  }

  counterpoint::NamedObjects objects() {
    return {{"noise", noise_}, {"step", step_}, {"weights", weights_}};
  }

  std::int64_t step() const { return step_; }

  // Whether all parts are of the same step.
  bool whole() const {
    const auto weights = weights_.values<std::int64_t>();
    const std::int64_t step = step_;
    return std::all_of(weights.begin(), weights.end(), [&](auto value) { return value == step; }) &&
           state_of(noise_) == expected_noise(step);
  }

 private:
  static std::vector<std::int64_t> expected_noise(std::int64_t step) {
    auto generator = counterpoint::Generator::from_seed(7);
    for (std::int64_t i = 0; i < step; ++i) generator.uniform<float>({elements});
    return state_of(generator);
  }
  static std::vector<std::int64_t> state_of(const counterpoint::Generator& generator) {
    const counterpoint::Tensor state = generator.state();
    const auto words = state.values<std::int64_t>();
    return {words.begin(), words.end()};
  }
  static counterpoint::Generator mirrored_generator(counterpoint::MirroredStrategy& strategy) {
    const auto scope = strategy.scope();
    return counterpoint::Generator::from_seed(7);
  }

  counterpoint::MirroredStrategy strategy_;
  counterpoint::Generator noise_;
  counterpoint::MirroredVariable weights_;
  std::int64_t step_ = 0;
};

}  // namespace checkpoint_tests
