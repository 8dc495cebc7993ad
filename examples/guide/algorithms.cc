// Which algorithm makes the numbers: the section "Algorithms" of TensorFlow's guide on random numbers.
// Philox is named as TensorFlow does, by name, enum or number, and is what auto_select means on every
// device. ThreeFry has states of its own, of two words; what TensorFlow does not define for it is an
// error that says so.
//
// Prints:
//
//   philox generator, counter 257 0, key 0: 0.43842274 (f32 [])
//   philox generator, counter 257 0, key 0: 0.43842274 (f32 [])
//   philox generator, counter 257 0, key 0: 0.43842274 (f32 [])
//   philox generator, counter 257 0, key 0: 0.43842274 (f32 [])
//   threefry generator, counter 513, key 0: [1351547692 3235790642] (u32 [2])
//   the same from its state: yes
//   stateless: [  629071667 -1951382812 -2023517645] (i32 [3])
//   invalid_argument: TensorFlow defines no binomial for threefry; use Philox

#include <iostream>

#include "counterpoint/counterpoint.h"

namespace cp = counterpoint;

int main() {
  const std::vector<cp::AlgorithmName> names = {"philox", cp::Algorithm::philox, 1, "auto_select"};
  for (const cp::AlgorithmName& algorithm : names) {
    auto g = cp::Generator::from_seed(1, algorithm);
    const cp::Tensor drawn = g.normal<float>({});
    std::cout << g << ": " << drawn << '\n';
  }

  auto g = cp::Generator::from_seed(1, cp::Algorithm::threefry);
  const cp::Tensor drawn = g.uniform_full_int<std::uint32_t>({2});
  std::cout << g << ": " << drawn << '\n';
  auto same = cp::Generator::from_state(g.state(), {.algorithm = "ThreeFry"});
  std::cout << "the same from its state: " << (g() == same() ? "yes" : "no") << '\n';
  std::cout << "stateless: " << cp::stateless_uniform_full_int<int>({3}, {1, 2}, "threefry")
            << '\n';

  try {
    (void)g.binomial<int>({3}, 10, 0.5);
  } catch (const cp::Error& error) {
    std::cout << error.what() << '\n';
  }
}
