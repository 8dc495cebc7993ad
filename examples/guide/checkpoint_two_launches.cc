// Saved by a job of two ranks, restored by a job of three: what checkpoint_three_from_two does, as
// two launches with a replica a rank.
//
//   mpirun -n 2 checkpoint_two_launches save generator.h5
//   mpirun -n 3 checkpoint_two_launches restore generator.h5
//
// Without a launcher the replicas are threads. The two launches print:
//
//   [-0.87930447 0.020661574] (f32 [2])
//   RNG stream from saving point:
//   [-1.5822568 0.77539235] (f32 [2])
//   [-0.5039703  0.1251838] (f32 [2])
//   RNG stream from saving point:
//   [-1.5822568 0.77539235  0.6851049] (f32 [3])
//   [ -0.5039703   0.1251838 -0.58519536] (f32 [3])

#include <iostream>
#include <string>

#include "counterpoint/counterpoint.h"

namespace cp = counterpoint;

int main(int argc, char** argv) {
  auto world = cp::Communicator::world(&argc, &argv);
  const std::string action = argc == 3 ? argv[1] : "";
  if (action != "save" && action != "restore") {
    std::cerr << "usage: checkpoint_two_launches save|restore FILE\n";
    return 1;
  }
  const bool saving = action == "save";
  const std::string file = argv[2];

  const int alone = saving ? 2 : 3;
  cp::MirroredStrategy strategy(world, {.replicas_per_rank = world->size() == 1 ? alone : 1});
  const auto scope = strategy.scope();
  auto g = cp::Generator::from_seed(1);
  cp::Checkpoint checkpoint(world, {{"my_generator", g}});
  const auto print = [&](const auto& line) {
    if (world->rank() == 0) std::cout << line << '\n';
  };
  // Of all replicas on all ranks, in order of replica id.
  const auto draw = [&] {
    return strategy.gather(strategy.run([&](cp::ReplicaContext&) { return g.normal<float>({1}); }));
  };

  if (saving) {
    print(draw());
    checkpoint.save(file);
  } else {
    checkpoint.restore(file);
  }
  print("RNG stream from saving point:");
  print(draw());
  print(draw());
}
