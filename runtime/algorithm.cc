#include "counterpoint/runtime/algorithm.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cctype>
#include <vector>

#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1 {
namespace {

constexpr std::string_view kAutoSelect = "autoselect";
constexpr int kAutoSelectNumber = static_cast<int>(Algorithm::auto_select);

// Every algorithm there is; the first is what auto_select means.
std::array<const StreamDefinition*, 2> stream_definitions() {
  return {&kernels::philox_stream(), &kernels::threefry_stream()};
}

std::string name_of_number(int number) {
  if (number == kAutoSelectNumber) return std::string(kAutoSelect);
  for (const StreamDefinition* definition : stream_definitions()) {
    if (definition->id == number) return std::string(definition->name);
  }
  return fmt::format("number {}", number);
}

}  // namespace

AlgorithmName::AlgorithmName(Algorithm algorithm) : AlgorithmName(static_cast<int>(algorithm)) {}

AlgorithmName::AlgorithmName(int number) : name_(name_of_number(number)) {}

AlgorithmName::AlgorithmName(std::string_view name) {
  for (const char c : name) {
    if (c == '-' || c == '_' || std::isspace(static_cast<unsigned char>(c)) != 0) continue;
    name_ += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
}

const StreamDefinition& stream_definition(const AlgorithmName& algorithm) {
  if (algorithm.definition() != nullptr) return *algorithm.definition();
  for (const StreamDefinition* definition : stream_definitions()) {
    if (algorithm.name() == kAutoSelect || algorithm.name() == definition->name) return *definition;
  }
  std::vector<std::string_view> known;
  for (const StreamDefinition* definition : stream_definitions()) known.push_back(definition->name);
  throw Error(ErrorCode::invalid_argument,
              fmt::format("no algorithm '{}'; there are {} and auto_select", algorithm.name(),
                          fmt::join(known, ", ")));
}

}  // namespace counterpoint::inline v1
