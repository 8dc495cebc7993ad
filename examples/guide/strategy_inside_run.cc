// A generator made by the replicas themselves: from the section "Interaction with distribution
// strategies" of TensorFlow's guide on random numbers. It gives its replica's stream, and the same
// numbers again in the next run.
//
// Prints:
//
//   PerReplica: {0: [-0.87930447  -1.5822568] (f32 [2]), 1: [0.020661574  0.77539235] (f32 [2])}
//   PerReplica: {0: [-0.87930447  -1.5822568] (f32 [2]), 1: [0.020661574  0.77539235] (f32 [2])}

#include <iostream>

#include "counterpoint/counterpoint.h"

namespace cp = counterpoint;

int main() {
  cp::MirroredStrategy strategy({.replicas_per_rank = 2});
  const auto draw_two = [](cp::ReplicaContext&) {
    auto g = cp::Generator::from_seed(1);
    const float a = g.normal<float>({}).item<float>();
    const float b = g.normal<float>({}).item<float>();
    return cp::Tensor::from<float>({a, b}, {2});
  };
  std::cout << strategy.run(draw_two) << '\n';
  std::cout << strategy.run(draw_two) << '\n';
}
