// Saved by two replicas, restored by three: from the section "Saving generators" of TensorFlow's
// guide on random numbers. Replicas 0 and 1 go on; replica 2 gets the stream that it would always
// have had. The two generators are linked by the file and by the name "my_generator" in it. The
// file is the first argument, or generator.h5 in the working folder.
//
// Prints:
//
//   PerReplica: {0: -0.87930447 (f32 []), 1: 0.020661574 (f32 [])}
//   RNG stream from saving point:
//   PerReplica: {0: -1.5822568 (f32 []), 1: 0.77539235 (f32 [])}
//   PerReplica: {0: -0.5039703 (f32 []), 1: 0.1251838 (f32 [])}
//   RNG stream from saving point:
//   PerReplica: {0: -1.5822568 (f32 []), 1: 0.77539235 (f32 []), 2: 0.6851049 (f32 [])}
//   PerReplica: {0: -0.5039703 (f32 []), 1: 0.1251838 (f32 []), 2: -0.58519536 (f32 [])}

#include <iostream>
#include <string>

#include "counterpoint/counterpoint.h"

namespace cp = counterpoint;

namespace {

// What both parts do from the saving point on.
void draw_twice(cp::MirroredStrategy& strategy, cp::Generator& g) {
  std::cout << "RNG stream from saving point:\n";
  for (int i = 0; i < 2; ++i) {
    std::cout << strategy.run([&](cp::ReplicaContext&) { return g.normal<float>({}); }) << '\n';
  }
}

void save(const std::shared_ptr<cp::Communicator>& world, const std::string& file) {
  cp::MirroredStrategy strategy(world, {.replicas_per_rank = 2});
  const auto scope = strategy.scope();
  auto g = cp::Generator::from_seed(1);
  cp::Checkpoint checkpoint(world, {{"my_generator", g}});
  std::cout << strategy.run([&](cp::ReplicaContext&) { return g.normal<float>({}); }) << '\n';
  checkpoint.save(file);
  draw_twice(strategy, g);
}

void restore(const std::shared_ptr<cp::Communicator>& world, const std::string& file) {
  cp::MirroredStrategy strategy(world, {.replicas_per_rank = 3});
  const auto scope = strategy.scope();
  auto g = cp::Generator::from_seed(1);
  cp::Checkpoint checkpoint(world, {{"my_generator", g}});
  checkpoint.restore(file);
  draw_twice(strategy, g);
}

}  // namespace

int main(int argc, char** argv) {
  auto world = cp::Communicator::world(&argc, &argv);
  const std::string file = argc > 1 ? argv[1] : "generator.h5";
  save(world, file);
  restore(world, file);
}
