// Private: how many replicas wrote an object, as far as its attribute says it.
//
//   if (saved_replicas(saved) == num_replicas()) return RestoreOutcome::exact;
//
// Thread-safety: pure.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <variant>

#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/saveable.h"

namespace counterpoint::inline v1 {

// 0 outside of a strategy; empty where nothing says it. Errors: invalid_argument for what is no count,
// or not `rows`, where a state or a value of each replica is there.
inline std::optional<std::int64_t> saved_replicas(const SavedObject& saved,
                                                  std::optional<std::int64_t> rows = {}) {
  const auto found = saved.attributes.find("replicas");
  if (found == saved.attributes.end()) return std::nullopt;
  const auto* const count = std::get_if<std::int64_t>(&found->second);
  if (count == nullptr || *count < 0 || (rows && *rows != *count)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("says that {} replicas wrote it{}",
                            count == nullptr ? std::get<std::string>(found->second)
                                             : fmt::format("{}", *count),
                            rows ? fmt::format(", and holds {} of them", *rows) : ""));
  }
  return *count;
}

}  // namespace counterpoint::inline v1
