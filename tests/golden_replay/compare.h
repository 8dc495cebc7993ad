// Compares what was drawn with a known answer.
//
//   auto difference = golden::compare(tensor, step, step.at("want"), slack);
//   if (difference) report(*difference);  // "element 2: want bd9de7fa, got bd9de7fb"
//
// To the bit, but for f64: normals, truncated ones among them, may be made from a standard normal that
// is 2 ULP away, and stateless gammas and bounded normals may be 2 ULP away.
// Thread-safety: pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "counterpoint/runtime/generator.h"
#include "golden_replay/case_file.h"

namespace golden {

// What makes a scaled normal, an entry for each element of the result.
struct NormalParts {
  std::vector<double> standard;
  std::vector<double> stddev;
  std::vector<double> mean;
  bool fused = false;  // scaled with one rounding
};

// The difference in words, or none. `want` is the flat list of the step, or is null where the step
// has `first`, `last` and `sha256` instead.
std::optional<std::string> compare(const counterpoint::Tensor& got, const json& step,
                                   const json& want, const NormalParts* parts);

std::optional<std::string> compare_state(const counterpoint::Tensor& got, const json& want);

}  // namespace golden
