// Making generators, and setting them back: the section "The tf.random.Generator class" of
// TensorFlow's guide on random numbers.
//
// Prints (... stands for what differs a run):
//
//   [[ 0.43842274 -0.53439844 -0.07710262]
//    [  1.5658046  -0.1012345  -0.2744976]] (f32 [2, 3])
//   [...] (f32 [3])
//   [...] (f32 [3])
//   0.43842274 (f32 [])
//   1.6272374 (f32 [])
//   0.43842274 (f32 [])

#include <iostream>

#include "counterpoint/counterpoint.h"

namespace cp = counterpoint;

int main() {
  auto g1 = cp::Generator::from_seed(1);
  std::cout << g1.normal<float>({2, 3}) << '\n';

  auto g2 = cp::get_global_generator();  // made on first use, of the system's entropy
  std::cout << g2.normal<float>({3}) << '\n';
  auto g3 = cp::Generator::from_non_deterministic_state({.algorithm = cp::Algorithm::philox});
  std::cout << g3.normal<float>({3}) << '\n';

  auto g = cp::Generator::from_seed(1);
  std::cout << g.normal<float>({}) << '\n';
  std::cout << g.normal<float>({}) << '\n';
  g.reset_from_seed(1);
  std::cout << g.normal<float>({}) << '\n';
}
