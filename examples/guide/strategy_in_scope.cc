// A generator made in the strategy's scope: from the section "Interaction with distribution
// strategies" of TensorFlow's guide on random numbers. Each replica has a stream of its own.
//
// Prints:
//
//   PerReplica: {0: -0.87930447 (f32 []), 1: 0.020661574 (f32 [])}
//   PerReplica: {0: -1.5822568 (f32 []), 1: 0.77539235 (f32 [])}

#include <iostream>

#include "counterpoint/counterpoint.h"

namespace cp = counterpoint;

int main() {
  cp::MirroredStrategy strategy({.replicas_per_rank = 2});
  const auto scope = strategy.scope();
  auto g = cp::Generator::from_seed(1);
  const auto draw = [&](cp::ReplicaContext&) { return g.normal<float>({}); };
  std::cout << strategy.run(draw) << '\n';
  std::cout << strategy.run(draw) << '\n';
}
