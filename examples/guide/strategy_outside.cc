// A generator made outside of the strategy and drawn by its replicas: from the section "Interaction
// with distribution strategies" of TensorFlow's guide on random numbers. There is one stream, and
// the replicas take turns: replica 0 first, in every round.
//
// Prints:
//
//   0.43842274 (f32 [])
//   1.6272374 (f32 [])

#include <iostream>

#include "counterpoint/counterpoint.h"

namespace cp = counterpoint;

int main() {
  auto g = cp::Generator::from_seed(1);
  cp::MirroredStrategy strategy({.replicas_per_rank = 2});
  const auto results = strategy.run([&](cp::ReplicaContext&) { return g.normal<float>({}); });
  for (const cp::Tensor& result : results) std::cout << result << '\n';
}
