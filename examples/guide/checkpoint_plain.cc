// A generator to a file and back: from the section "Saving generators" of TensorFlow's guide on
// random numbers. The file is the first argument, or generator.h5 in the working folder.
//
// Prints:
//
//   0.43842274 (f32 [])
//   RNG stream from saving point:
//   1.6272374 (f32 [])
//   1.6307176 (f32 [])
//   RNG stream from saving point:
//   1.6272374 (f32 [])
//   1.6307176 (f32 [])

#include <iostream>
#include <string>

#include "counterpoint/counterpoint.h"

namespace cp = counterpoint;

int main(int argc, char** argv) {
  auto world = cp::Communicator::world(&argc, &argv);
  const std::string file = argc > 1 ? argv[1] : "generator.h5";

  auto g = cp::Generator::from_seed(1);
  cp::Checkpoint checkpoint(world, {{"generator", g}});
  std::cout << g.normal<float>({}) << '\n';

  checkpoint.save(file);
  std::cout << "RNG stream from saving point:\n";
  std::cout << g.normal<float>({}) << '\n';
  std::cout << g.normal<float>({}) << '\n';

  checkpoint.restore(file);
  std::cout << "RNG stream from saving point:\n";
  std::cout << g.normal<float>({}) << '\n';
  std::cout << g.normal<float>({}) << '\n';
}
