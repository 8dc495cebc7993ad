// The first numbers of each replica's stream, as lines that can be compared.
//
//   fmt::print("{}", stream_lines(draws));  // replica 0: 0.438436 -0.534375 ...
//
// Digits enough to tell any two floats apart. Thread-safety: pure.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <span>
#include <string>

#include "counterpoint/runtime/tensor.h"

namespace train_digits {

// `draws` is f32 [replicas, numbers].
inline std::string stream_lines(const counterpoint::Tensor& draws) {
  const auto numbers = static_cast<std::size_t>(draws.shape()[1]);
  const std::span<const float> values = draws.values<float>();
  std::string lines;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % numbers == 0) lines += fmt::format("replica {}:", i / numbers);
    lines += fmt::format(" {:.9g}{}", values[i], (i + 1) % numbers == 0 ? "\n" : "");
  }
  return lines;
}

}  // namespace train_digits
