#include "counterpoint/strategy/internal/control.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace counterpoint::inline v1 {
namespace {

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();

// Digests are compared by the minimum of each and of its complement: all are equal exactly if the
// two minima still are complements. One bit is given up so that no digest is kNone.
struct Pair {
  std::int64_t value = kNone;
  std::int64_t complement = kNone;

  static Pair of(const std::optional<std::uint64_t>& digest) {
    if (!digest) return {};
    const auto value = static_cast<std::int64_t>(*digest >> 1);
    return {value, -value};
  }
  // Agrees with no other pair.
  static Pair of_a_difference(std::uint64_t digest) {
    const auto value = static_cast<std::int64_t>(digest >> 1);
    return {value, -value - 1};
  }
  bool given() const { return value != kNone; }
  bool agree() const { return !given() || complement == -value; }
};

enum Word { occasion, calls = 2, failed = 4, turn, ended = 7 };

}  // namespace

Control::Control(std::shared_ptr<Communicator> communicator)
    : communicator_(std::move(communicator)) {}

void Control::post(const Proposal& proposal) {
  const Pair occasions = Pair::of(proposal.occasion);
  const Pair digests = proposal.calls_differ ? Pair::of_a_difference(proposal.calls.value_or(0))
                                             : Pair::of(proposal.calls);
  const Pair turns = Pair::of(proposal.turn);
  const std::int64_t rank = communicator_->rank();
  frame_ = {occasions.value,    occasions.complement,           digests.value,
            digests.complement, proposal.failed ? rank : kNone, turns.value,
            turns.complement,   proposal.ended ? rank : kNone};
  if (communicator_->size() > 1) {
    work_ =
        communicator_->start_all_reduce(Buffer::of(std::span<std::int64_t>(frame_)), Reduce::min);
  }
  posted_ = true;
}

Verdict Control::wait() {
  posted_ = false;
  work_.wait(communicator_->timeout_seconds());
  const auto pair = [this](std::size_t word) { return Pair{frame_[word], frame_[word + 1]}; };
  const auto rank = [this](std::size_t word) {
    return frame_[word] == kNone ? std::nullopt : std::optional(static_cast<int>(frame_[word]));
  };
  Verdict verdict;
  verdict.failed_rank = rank(Word::failed);
  verdict.occasions_agree = pair(Word::occasion).agree();
  verdict.calls_agree = pair(Word::calls).agree();
  if (pair(Word::turn).given()) verdict.turn = static_cast<std::uint64_t>(frame_[Word::turn]);
  verdict.turns_agree = pair(Word::turn).agree();
  verdict.ended_rank = rank(Word::ended);
  return verdict;
}

Error Control::share_error(const Error& error, int root) {
  std::array<std::uint32_t, kMostText / sizeof(std::uint32_t)> page{};
  page.front() = static_cast<std::uint32_t>(error.code());
  char* const text = reinterpret_cast<char*>(&page[1]);
  std::memcpy(text, error.message().data(),
              std::min(error.message().size(), kMostText - 2 * sizeof(std::uint32_t)));
  if (communicator_->size() > 1) communicator_->broadcast(std::span<std::uint32_t>(page), root);
  return {static_cast<ErrorCode>(page.front()), text};
}

}  // namespace counterpoint::inline v1
