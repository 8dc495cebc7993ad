#include "counterpoint/strategy/strategy_options.h"

#include <fmt/format.h>

namespace counterpoint::inline v1 {

std::string Divergence::to_string() const {
  std::string text = fmt::format("noticed in run {}: {}", run, message);
  for (const std::string& name : adopted) text += "\nadopted from the first replica: " + name;
  return text;
}

}  // namespace counterpoint::inline v1
