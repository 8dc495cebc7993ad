// Private: what a collective call asks for, checked before anything is started, and how messages
// name it.
//
//   const CollectiveCall call = all_reduce_call(values, Reduce::sum);  // may throw invalid_argument
//   to_string(call);                                                    // "all_reduce of 8 f64, sum"
//
// Thread-safety: values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "counterpoint/kernels/export.h"
#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1 {

enum class CollectiveKind : std::uint8_t {
  all_reduce,
  broadcast,
  all_gather,
  exclusive_scan,
  barrier,
  duplicate,
};

struct CollectiveCall {
  CollectiveKind kind = CollectiveKind::barrier;
  DType dtype = DType::f32;
  Reduce reduce = Reduce::sum;
  int root = 0;
  std::int64_t count = 0;  // elements that one rank brings

  // Of one rank's elements.
  std::size_t bytes() const { return static_cast<std::size_t>(count) * dtype_size(dtype); }
  friend bool operator==(const CollectiveCall&, const CollectiveCall&) = default;
};

// Errors: invalid_argument with the values for a buffer that is not on the CPU, a negative count, a
// missing pointer, a reduction or a root that does not exist, and rows that do not fit.
CollectiveCall all_reduce_call(const Buffer& values, Reduce reduce);
CollectiveCall broadcast_call(const Buffer& values, int root, int size);
CollectiveCall all_gather_call(const ConstBuffer& values, const Buffer& gathered, int size);
CollectiveCall exclusive_scan_call(const Buffer& values, Reduce reduce);

std::string to_string(const CollectiveCall& call);

// A rank that did not come to a call, and how many calls it had made; -1 if it does not answer.
struct MissingRank {
  int rank = 0;
  std::int64_t calls_made = -1;
};

// "ranks 1 (made 3 calls) and 2 (no answer) did not arrive within 2 s"; nobody missing means that all
// came too late to finish.
std::string describe_missing(const std::vector<MissingRank>& missing, double timeout_seconds);

// What made a communicator unusable, and what its operations throw then.
class COUNTERPOINT_PUBLIC CommunicatorError : public Error {
 public:
  // Another rank's reason, say.
  CommunicatorError(const Error& error) : Error(error), reason_(error.message()) {}  // NOLINT
  // deadline_exceeded for the `number`-th call, from 1.
  CommunicatorError(const std::string& call, std::int64_t number, const std::string& reason);
  ~CommunicatorError() override;

  // The message without the call, for whoever made it on another's behalf and has a name of their own
  // for it.
  const std::string& reason() const noexcept { return reason_; }
  // Whether ranks that do not answer are named already, or there are none.
  bool names_silent() const noexcept { return names_silent_; }
  CommunicatorError& set_names_silent() noexcept {
    names_silent_ = true;
    return *this;
  }

 private:
  std::string reason_;
  bool names_silent_ = false;
};

// The error of every call on a communicator that `what_happened` made unusable.
// Errors: invalid_argument for memory that nobody keeps.
void require_owner(const std::shared_ptr<const void>& owner);

[[noreturn]] void throw_unusable(const std::string& what_happened);

}  // namespace counterpoint::inline v1
