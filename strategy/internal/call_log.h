// What one replica called, so that replicas can be compared: a number, a rolling digest, and the
// last calls with where they were made.
//
//   log.record(origin_digest, record);
//   if (a.digest() != b.digest()) report(first_difference(a, b));
//
// Thread-safety: none; its replica's lock guards it. Costs a few nanoseconds a call.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include "counterpoint/kernels/counter.h"
#include "counterpoint/runtime/call_record.h"

namespace counterpoint::inline v1 {

class CallLog {
 public:
  static constexpr std::size_t kRemembered = 1024;  // calls; a power of two

  struct alignas(64) Call {
    std::uint64_t digest = 0;  // of all calls up to and including this one
    std::source_location location = {};
    std::uint64_t stream = 0;
    std::array<std::uint64_t, 2> scalars{};
    std::array<std::int32_t, 4> lengths{};  // the first of the shape; they saturate
    Operation operation{};
    std::uint8_t rank = 0;  // number of dimensions; between the others, see fingerprint()
    DType dtype{};
  };
  // How far a log had come: how many calls, and the digest of all of them.
  struct Mark {
    std::uint64_t count = 0;
    std::uint64_t digest = 0;

    friend constexpr bool operator==(const Mark&, const Mark&) = default;
  };

  CallLog() : calls_(kRemembered) {}

  // `stream` identifies what was called upon: a stream's or a variable's digest, 0 for collectives.
  void record(std::uint64_t stream, const CallRecord& record) noexcept {
    // One-to-one in what came before, so that logs that differ never meet again by calls that are
    // the same.
    constexpr std::uint64_t kOdd = 0x9fb21c651e98df25u;
    mark_.digest = std::rotl((mark_.digest ^ (stream * kOdd + record.fingerprint())) * kOdd, 29);
    constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
    // Member by member: an aggregate would be put together elsewhere first, and read back too soon.
    Call& call = calls_[mark_.count % kRemembered];
    call.digest = mark_.digest;
    call.location = record.location;
    call.stream = stream;
    call.scalars[0] = record.scalars[0];
    call.scalars[1] = record.scalars[1];
    call.operation = record.operation;
    call.rank = static_cast<std::uint8_t>(std::min<std::size_t>(record.shape.size(), 255));
    call.dtype = record.dtype;
    const std::size_t lengths = std::min(record.shape.size(), call.lengths.size());
    for (std::size_t i = 0; i < lengths; ++i) {
      call.lengths[i] = static_cast<std::int32_t>(std::min(record.shape[i], kMost));
    }
    ++mark_.count;
  }

  std::uint64_t count() const noexcept { return mark_.count; }
  std::uint64_t digest() const noexcept { return mark_.digest; }
  const Mark& mark() const noexcept { return mark_; }
  // Goes on from another replica's mark: what was called before is not compared any more.
  void adopt(const Mark& mark) noexcept {
    mark_ = mark;
    adopted_ = mark;
  }
  // Where it was before the last call, if that is remembered.
  Mark mark_before_last() const noexcept;

  // The oldest call that is remembered, as a number from 0.
  std::uint64_t first_remembered() const noexcept {
    return std::max(adopted_.count, count() > kRemembered ? count() - kRemembered : 0);
  }
  // Whether a difference that shows at call `number` may be of a call before, which has left the ring.
  bool may_differ_before(std::uint64_t number) const noexcept {
    return number <= first_remembered() && number > adopted_.count;
  }
  // Call `number`, if it was made and is remembered.
  const Call* call(std::uint64_t number) const noexcept;
  // A digest of where call `number` was made, equal for one line of one program on all ranks; 0 if
  // it is not remembered.
  std::uint64_t place(std::uint64_t number) const noexcept;
  // "call 17: normal f32 [3, 4] of generator 'noise' at train.cc:12 (mean 0, stddev 1)", or that
  // there is none among the first `count`, or that it has left the ring. `name_of(stream)` may be
  // empty.
  using NameOf = std::function<std::string(std::uint64_t stream)>;
  std::string describe(std::uint64_t number, std::uint64_t count, const NameOf& name_of) const;
  std::string describe(std::uint64_t number) const { return describe(number, count(), {}); }

 private:
  Mark mark_;
  Mark adopted_;
  std::vector<Call> calls_;
};

// Of its two words in their order.
constexpr std::uint64_t digest_of(const kernels::Counter& counter) {
  return mix_digest(mix_digest(0, counter.low), counter.high);
}

// The number of the first call in which two logs differ, up to their marks: the first whose digests
// do, or the length of the shorter. Nothing if they are alike; the oldest remembered call if the
// first has left both rings.
std::optional<std::uint64_t> first_difference(const CallLog& a, const CallLog::Mark& a_end,
                                              const CallLog& b, const CallLog::Mark& b_end);
inline std::optional<std::uint64_t> first_difference(const CallLog& a, const CallLog& b) {
  return first_difference(a, a.mark(), b, b.mark());
}

// The first call from `begin` to before `end` that was made elsewhere in one log than in the other:
// no fault in itself, but where calls that are alike follow each other, one of them may be one too
// many.
std::optional<std::uint64_t> first_other_place(const CallLog& a, const CallLog& b,
                                               std::uint64_t begin, std::uint64_t end);

}  // namespace counterpoint::inline v1
