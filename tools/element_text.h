// Elements as text: the fewest digits that tell a float from its neighbours.
//
//   fmt::memory_buffer text;
//   append_element(text, 0.1f);                        // 0.1
//   std::string third = element_text(tensor, 2);
//
// Halves are printed as the f32 of the same value. Thread-safety: pure.
#pragma once

#include <fmt/compile.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "counterpoint/runtime/tensor.h"

namespace counterpoint::tools {

template <Element T>
void append_element(fmt::memory_buffer& text, T value) {
  if constexpr (requires { value.to_float(); }) {
    append_element(text, value.to_float());
  } else {
    fmt::format_to(std::back_inserter(text), FMT_COMPILE("{}"), value);
  }
}

// The element at `index`, row-major.
inline std::string element_text(const Tensor& tensor, std::int64_t index) {
  fmt::memory_buffer text;
  visit_dtype(tensor.dtype(), [&]<class T>(T) { append_element(text, tensor.item<T>(index)); });
  return fmt::to_string(text);
}

// As a JSON number; as a string where JSON has none: "nan", "inf", "-inf".
inline nlohmann::json element_json(const Tensor& tensor, std::int64_t index) {
  std::string text = element_text(tensor, index);
  if (!is_floating(tensor.dtype())) return nlohmann::json::parse(text);
  const double value = std::strtod(text.c_str(), nullptr);
  if (!std::isfinite(value)) return text;
  return value;
}

// "[1, 2]" for element 5 of shape [3, 3]; "" for a scalar.
inline std::string position_text(const Shape& shape, std::int64_t index) {
  if (shape.empty()) return "";
  Shape position(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    position[axis] = index % shape[axis];
    index /= shape[axis];
  }
  return shape_to_string(position);
}

}  // namespace counterpoint::tools
