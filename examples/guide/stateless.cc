// Pure functions of a seed: the section "Stateless RNGs" of TensorFlow's guide on random numbers.
// The same seed gives the same numbers at each call; fold_in and split make further seeds. The
// algorithm is Philox unless named otherwise, on every device; ThreeFry is the other one.
//
// Prints:
//
//   [[ 0.5441101 0.20738031 0.07356432]
//    [0.04643455 -1.3015898 -0.9538565]] (f32 [2, 3])
//   [[ 0.5441101 0.20738031 0.07356432]
//    [0.04643455 -1.3015898 -0.9538565]] (f32 [2, 3])
//   seeds: [1105988140, 7] [1105988140, 1738052849] [-335576002, 370444179]
//   threefry: [  629071667 -1951382812 -2023517645] (i32 [3])

#include <iostream>

#include "counterpoint/counterpoint.h"

namespace cp = counterpoint;

int main() {
  std::cout << cp::stateless_normal<float>({2, 3}, {1, 2}) << '\n';
  std::cout << cp::stateless_normal<float>({2, 3}, {1, 2}) << '\n';

  std::cout << "seeds: " << cp::fold_in({1, 2}, 7).to_string();
  for (const cp::StatelessSeed& seed : cp::split({1, 2})) std::cout << ' ' << seed.to_string();
  std::cout << '\n';

  std::cout << "threefry: "
            << cp::stateless_uniform_full_int<int>({3}, {1, 2}, cp::Algorithm::threefry) << '\n';
}
