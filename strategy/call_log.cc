#include "counterpoint/strategy/internal/call_log.h"

#include <fmt/format.h>

namespace counterpoint::inline v1 {

const CallLog::Call* CallLog::call(std::uint64_t number) const noexcept {
  if (number >= count() || number < first_remembered()) return nullptr;
  return &calls_[number % kRemembered];
}

std::string CallLog::describe(std::uint64_t number, std::uint64_t count,
                              const NameOf& name_of) const {
  if (number >= count) return fmt::format("made only {} calls", count);
  const Call* found = call(number);
  if (found == nullptr) return fmt::format("call {}, which is no longer remembered", number);
  const std::string shape = found->rank == 0   ? "[]"
                            : found->rank == 1 ? fmt::format("[{}]", found->first_length)
                                               : fmt::format("[{}, ...]", found->first_length);
  const std::string name = name_of && found->stream != 0 ? name_of(found->stream) : "";
  return fmt::format("call {}: {} {} {}{}{} at {}", number, operation_name(found->operation),
                     dtype_name(found->dtype), shape, name.empty() ? "" : " of ", name,
                     location_to_string(found->location));
}

std::optional<std::uint64_t> first_difference(const CallLog& a, const CallLog::Mark& a_end,
                                              const CallLog& b, const CallLog::Mark& b_end) {
  if (a_end == b_end) return std::nullopt;
  const std::uint64_t both = std::min(a_end.count, b_end.count);
  for (std::uint64_t number = std::max(a.first_remembered(), b.first_remembered()); number < both;
       ++number) {
    if (a.call(number)->digest != b.call(number)->digest) return number;
  }
  return both;
}

}  // namespace counterpoint::inline v1
