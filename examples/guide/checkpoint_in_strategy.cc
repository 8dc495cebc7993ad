// Every replica's stream to a file and back: from the section "Saving generators" of TensorFlow's
// guide on random numbers. The file holds one state, the primary, whatever the number of replicas.
// It is the first argument, or generator.h5 in the working folder.
//
// Prints:
//
//   PerReplica: {0: -0.87930447 (f32 []), 1: 0.020661574 (f32 [])}
//   RNG stream from saving point:
//   PerReplica: {0: -1.5822568 (f32 []), 1: 0.77539235 (f32 [])}
//   PerReplica: {0: -0.5039703 (f32 []), 1: 0.1251838 (f32 [])}
//   RNG stream from saving point:
//   PerReplica: {0: -1.5822568 (f32 []), 1: 0.77539235 (f32 [])}
//   PerReplica: {0: -0.5039703 (f32 []), 1: 0.1251838 (f32 [])}

#include <iostream>
#include <string>

#include "counterpoint/counterpoint.h"

namespace cp = counterpoint;

int main(int argc, char** argv) {
  auto world = cp::Communicator::world(&argc, &argv);
  const std::string file = argc > 1 ? argv[1] : "generator.h5";

  cp::MirroredStrategy strategy(world, {.replicas_per_rank = 2});
  const auto scope = strategy.scope();
  auto g = cp::Generator::from_seed(1);
  cp::Checkpoint checkpoint(world, {{"my_generator", g}});
  const auto draw = [&](cp::ReplicaContext&) { return g.normal<float>({}); };
  std::cout << strategy.run(draw) << '\n';

  checkpoint.save(file);
  std::cout << "RNG stream from saving point:\n";
  std::cout << strategy.run(draw) << '\n';
  std::cout << strategy.run(draw) << '\n';

  checkpoint.restore(file);
  std::cout << "RNG stream from saving point:\n";
  std::cout << strategy.run(draw) << '\n';
  std::cout << strategy.run(draw) << '\n';
}
