#include "counterpoint/strategy/internal/call_log.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <span>
#include <string_view>

#include "counterpoint/runtime/internal/call_parameters.h"

namespace counterpoint::inline v1 {

const CallLog::Call* CallLog::call(std::uint64_t number) const noexcept {
  if (number >= count() || number < first_remembered()) return nullptr;
  return &calls_[number % kRemembered];
}

CallLog::Mark CallLog::mark_before_last() const noexcept {
  if (count() == adopted_.count) return mark_;
  if (count() - 1 == adopted_.count) return adopted_;
  return {.count = count() - 1, .digest = call(count() - 2)->digest};
}

std::string CallLog::describe(std::uint64_t number, std::uint64_t count,
                              const NameOf& name_of) const {
  if (number >= count) {
    const Call* const last = count == 0 ? nullptr : call(count - 1);
    return fmt::format(
        "made only {} calls{}", count,
        last == nullptr ? "" : ", the last at " + location_to_string(last->location));
  }
  const Call* found = call(number);
  if (found == nullptr) return fmt::format("call {}, which is no longer remembered", number);
  const std::size_t shown = std::min<std::size_t>(found->rank, found->lengths.size());
  const std::string shape =
      fmt::format("[{}{}]", fmt::join(std::span(found->lengths).first(shown), ", "),
                  found->rank > shown ? ", ..." : "");
  std::string name = name_of && found->stream != 0 ? name_of(found->stream) : "";
  if (name.empty() && found->stream != 0) name = fmt::format("stream #{:x}", found->stream);
  const std::string parameters =
      parameters_to_string(found->operation, found->dtype, found->scalars);
  return fmt::format("call {}: {} {} {}{}{} at {}{}", number, operation_name(found->operation),
                     dtype_name(found->dtype), shape, name.empty() ? "" : " of ", name,
                     location_to_string(found->location),
                     parameters.empty() ? "" : fmt::format(" ({})", parameters));
}

std::uint64_t CallLog::place(std::uint64_t number) const noexcept {
  const Call* const found = call(number);
  if (found == nullptr) return 0;
  // Folders may differ from rank to rank.
  const std::string_view path = found->location.file_name();
  std::uint64_t digest =
      mix_digest(mix_digest(0, found->location.line()), found->location.column());
  for (const char c : path.substr(path.find_last_of('/') + 1)) {
    digest = mix_digest(digest, static_cast<unsigned char>(c));
  }
  return digest;
}

std::optional<std::uint64_t> first_other_place(const CallLog& a, const CallLog& b,
                                               std::uint64_t begin, std::uint64_t end) {
  for (std::uint64_t number = std::max({begin, a.first_remembered(), b.first_remembered()});
       number < end; ++number) {
    if (a.place(number) != b.place(number)) return number;
  }
  return std::nullopt;
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
