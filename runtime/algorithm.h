// Which algorithm a generator uses, by TensorFlow's enum, number or name.
//
//   cp::Generator::from_seed(1, cp::Algorithm::philox);
//   cp::Generator::from_seed(1, "Philox");
//   const auto& definition = cp::stream_definition("philox");
//
// `auto_select` is Philox on every device, so that the bits are the same everywhere.
// Source: docs/streams.md section 3.
#pragma once

#include <string>
#include <string_view>

#include "counterpoint/kernels/stream_definition.h"

namespace counterpoint::inline v1 {

using kernels::StreamDefinition;

enum class Algorithm { philox = 1, threefry = 2, auto_select = 3 };

// An algorithm as a caller writes it. Names are trimmed, lower-cased, and lose '-' and '_'.
class COUNTERPOINT_PUBLIC AlgorithmName {
 public:
  AlgorithmName(Algorithm algorithm);    // NOLINT(google-explicit-constructor)
  AlgorithmName(int number);             // NOLINT(google-explicit-constructor)
  AlgorithmName(std::string_view name);  // NOLINT(google-explicit-constructor)
  AlgorithmName(const char* name) : AlgorithmName(std::string_view(name)) {}         // NOLINT
  AlgorithmName(const std::string& name) : AlgorithmName(std::string_view(name)) {}  // NOLINT

  // An algorithm of a caller's own, which must outlive all that is made with it.
  AlgorithmName(const StreamDefinition& definition)  // NOLINT(google-explicit-constructor)
      : name_(definition.name), definition_(&definition) {}

  // Normalised.
  const std::string& name() const noexcept { return name_; }
  // Of a caller's own algorithm, else null.
  const StreamDefinition* definition() const noexcept { return definition_; }

 private:
  std::string name_;
  const StreamDefinition* definition_ = nullptr;
};

// Errors: invalid_argument for an unknown algorithm, naming those known.
COUNTERPOINT_PUBLIC const StreamDefinition& stream_definition(const AlgorithmName& algorithm);

}  // namespace counterpoint::inline v1
