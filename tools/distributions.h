// The distributions that `draw` knows: names, parameters and element types as in the library.
//
//   const DistributionInfo& normal = distribution_of("normal");
//   Parameters parameters = parameters_of(normal, DType::f32, {{"mean", "0.5"}});
//   parameters.at("stddev");                          // Parameter(1)
//
// Thread-safety: pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "counterpoint/runtime/parameter.h"

namespace counterpoint::tools {

struct ParameterInfo {
  std::string_view name;
  std::optional<std::string_view> fallback;  // as it would be typed; none where it must be given
};

struct DistributionInfo {
  std::string_view name;
  DType dtype;  // unless asked for another
  std::vector<ParameterInfo> parameters;
  // TensorFlow has no such draw of a generator: its numbers come from a seed of two integers.
  bool stateless = false;
};

// In the order of --help.
const std::vector<DistributionInfo>& distributions();
// Errors: UsageError.
const DistributionInfo& distribution_of(std::string_view name);

// f32, float32, float, ... Errors: UsageError.
DType dtype_named(std::string_view name);

// Numbers as C++ would read them: without a point or an exponent, an integer.
using Parameters = std::map<std::string, Parameter, std::less<>>;
// `given` are texts by name. Errors: UsageError for what is no number, not a parameter of the
// distribution, or missing.
Parameters parameters_of(const DistributionInfo& distribution, DType dtype,
                         const std::map<std::string, std::string>& given);

// Numbers between commas, "nan" and "inf" among them. Errors: UsageError, naming `option`.
std::vector<double> numbers(std::string_view option, std::string_view text);
// Integers between commas, also in brackets; up to 2^64 - 1, which wrap. Errors: UsageError.
std::vector<std::int64_t> integers(std::string_view option, std::string_view text);

}  // namespace counterpoint::tools
