#include "counterpoint/strategy/internal/call_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace counterpoint::inline v1 {

void CallLog::record(std::uint64_t stream, const CallRecord& record) {
  digest_ = mix_digest(mix_digest(digest_, stream), record.fingerprint());
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  calls_[count_ % kRemembered] = {
      .digest = digest_,
      .location = record.location,
      .operation = record.operation,
      .dtype = record.dtype,
      .rank = static_cast<std::uint16_t>(record.shape.size()),
      .first_length = record.shape.empty()
                          ? 0
                          : static_cast<std::int32_t>(std::min(record.shape.front(), kMost))};
  ++count_;
}

const CallLog::Call* CallLog::call(std::uint64_t number) const noexcept {
  if (number >= count_ || number < first_remembered()) return nullptr;
  return &calls_[number % kRemembered];
}

std::string CallLog::describe(std::uint64_t number) const {
  if (number >= count_) return fmt::format("made only {} calls", count_);
  const Call* found = call(number);
  if (found == nullptr) return fmt::format("call {}, which is no longer remembered", number);
  const std::string shape = found->rank == 0   ? "[]"
                            : found->rank == 1 ? fmt::format("[{}]", found->first_length)
                                               : fmt::format("[{}, ...]", found->first_length);
  return fmt::format("call {}: {} {} {} at {}", number, operation_name(found->operation),
                     dtype_name(found->dtype), shape, location_to_string(found->location));
}

std::optional<std::uint64_t> first_difference(const CallLog& a, const CallLog& b) {
  if (a.digest() == b.digest() && a.count() == b.count()) return std::nullopt;
  const std::uint64_t both = std::min(a.count(), b.count());
  for (std::uint64_t number = std::max(a.first_remembered(), b.first_remembered()); number < both;
       ++number) {
    if (a.call(number)->digest != b.call(number)->digest) return number;
  }
  return both;
}

}  // namespace counterpoint::inline v1
