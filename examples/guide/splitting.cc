// Streams from one generator: the section "Creating independent random-number streams" of
// TensorFlow's guide on random numbers. A split moves the generator on, as a draw does.
//
// Prints:
//
//   0.43842274 (f32 [])
//   2.536413 (f32 [])
//   0.33186463 (f32 [])
//   -0.07144657 (f32 [])
//   -0.79253083 (f32 [])

#include <iostream>

#include "counterpoint/counterpoint.h"

namespace cp = counterpoint;

int main() {
  auto g = cp::Generator::from_seed(1);
  std::cout << g.normal<float>({}) << '\n';
  for (cp::Generator& child : g.split(3)) std::cout << child.normal<float>({}) << '\n';
  std::cout << g.normal<float>({}) << '\n';
}
