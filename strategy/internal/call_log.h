// What one replica called, so that replicas can be compared: a number, a rolling digest, and the
// last calls with where they were made.
//
//   log.record(origin_digest, record);
//   if (a.digest() != b.digest()) report(first_difference(a, b));
//
// Thread-safety: none; its replica's lock guards it. Costs a few nanoseconds a call.
#pragma once

#include <cstdint>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include "counterpoint/runtime/call_record.h"

namespace counterpoint::inline v1 {

class CallLog {
 public:
  static constexpr std::size_t kRemembered = 1024;  // calls; a power of two

  struct Call {
    std::uint64_t digest = 0;  // of all calls up to and including this one
    std::source_location location = {};
    Operation operation{};
    DType dtype{};
    std::uint16_t rank = 0;         // number of dimensions
    std::int32_t first_length = 0;  // of the shape, for messages; saturates
  };

  CallLog() : calls_(kRemembered) {}

  // `stream` identifies what was called upon: a stream's or a variable's digest, 0 for collectives.
  void record(std::uint64_t stream, const CallRecord& record);

  std::uint64_t count() const noexcept { return count_; }
  std::uint64_t digest() const noexcept { return digest_; }
  // The oldest call that is remembered, as a number from 0.
  std::uint64_t first_remembered() const noexcept {
    return count_ > kRemembered ? count_ - kRemembered : 0;
  }
  // Call `number`, if it was made and is remembered.
  const Call* call(std::uint64_t number) const noexcept;
  // "call 17, normal f32 [3, ...] at train.cc:12", or that there is none or that it has left the
  // ring.
  std::string describe(std::uint64_t number) const;

 private:
  std::uint64_t count_ = 0;
  std::uint64_t digest_ = 0;
  std::vector<Call> calls_;
};

// The number of the first call in which two logs differ: the first whose digests do, or the length
// of the shorter. Nothing if they are alike; the oldest remembered call if the first has left both
// rings.
std::optional<std::uint64_t> first_difference(const CallLog& a, const CallLog& b);

}  // namespace counterpoint::inline v1
