#include "counterpoint/strategy/internal/rendezvous.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

namespace counterpoint::inline v1 {
namespace {

// The occasion of a step in which a replica draws in turn or all have left: a rank whose replicas
// have left takes part in the others' turns.
constexpr std::uint64_t kTurnOrEnd = 0x7475726e206f7220u;

}  // namespace

Rendezvous::Rendezvous(const Options& options, std::vector<LocalReplica>& replicas,
                       Control& control, std::shared_ptr<Communicator> payload)
    : options_(options),
      replicas_(replicas),
      control_(control),
      payload_(std::move(payload)),
      slots_(static_cast<std::size_t>(options.replicas_per_rank)) {}

void Rendezvous::begin() {
  const std::scoped_lock lock(mutex_);
  for (Slot& slot : slots_) slot = Slot{};
  ended_ = false;
  failure_.reset();
}

void Rendezvous::meet(int local_index, Request& request) {
  std::unique_lock lock(mutex_);
  if (failure_) throw Error(*failure_);
  Slot& slot = slots_[static_cast<std::size_t>(local_index)];
  slot.request = &request;
  slot.status = Status::waiting;
  if (slots_.size() == 1) {
    step(lock);
  } else {
    settled_.notify_one();
    carried_out_.wait(lock, [&] { return slot.status != Status::waiting || failure_; });
  }
  slot.request = nullptr;
  slot.status = Status::running;
  if (failure_) throw Error(*failure_);
}

void Rendezvous::leave(int local_index, const std::optional<Error>& error) {
  const std::scoped_lock lock(mutex_);
  Slot& slot = slots_[static_cast<std::size_t>(local_index)];
  slot.status = Status::left;
  slot.error = error;
  settled_.notify_one();
}

bool Rendezvous::settled() const {
  return std::ranges::none_of(slots_,
                              [](const Slot& slot) { return slot.status == Status::running; });
}

bool Rendezvous::all_left() const {
  return std::ranges::all_of(slots_, [](const Slot& slot) { return slot.status == Status::left; });
}

void Rendezvous::serve() {
  std::unique_lock lock(mutex_);
  while (!ended_ && !failure_) {
    wait_until_settled(lock);
    if (!failure_) step(lock);
  }
  // The replicas' functions refer to the caller's frame: it may not go before they have returned.
  settled_.wait(lock, [this] { return all_left(); });
}

void Rendezvous::wait_until_settled(std::unique_lock<std::mutex>& lock) {
  const auto any_waiting = [this] {
    return std::ranges::any_of(slots_, [](const Slot& s) { return s.status == Status::waiting; });
  };
  while (!settled()) {
    // Only a replica that waits gives the others a deadline: working long is no fault.
    if (!any_waiting()) {
      settled_.wait(lock, [&] { return settled() || any_waiting(); });
      continue;
    }
    // Beyond a year there is no deadline to speak of, and clocks overflow.
    constexpr double kYear = 366.0 * 86400.0;
    const auto deadline = std::chrono::duration<double>(std::min(options_.timeout_seconds, kYear));
    if (settled_.wait_for(lock, deadline, [this] { return settled(); })) return;
    std::string missing;
    for (const Slot& slot : slots_) {
      if (slot.status == Status::running) missing += (missing.empty() ? "" : "; ") + describe(slot);
    }
    give_up(Error(ErrorCode::deadline_exceeded,
                  fmt::format("{} did not come within {} s while another replica of rank {} waited",
                              missing, options_.timeout_seconds, payload_->rank())));
    return;
  }
}

// Called with the lock held and all slots settled, so that no replica touches its slot meanwhile.
void Rendezvous::step(std::unique_lock<std::mutex>& lock) {
  bool agreed = false;  // to fail: every rank throws the same
  try {
    const Proposal proposal = propose();
    lock.unlock();
    const Verdict verdict = control_.exchange(proposal);
    if (verdict.failed_rank) {
      agreed = true;
      const auto failed =
          std::ranges::find_if(slots_, [](const Slot& s) { return s.error.has_value(); });
      const Error mine = failed == slots_.end() ? Error(ErrorCode::internal, "") : *failed->error;
      throw control_.share_error(mine, *verdict.failed_rank);
    }
    if (!verdict.occasions_agree || !verdict.calls_agree || !verdict.turns_agree) {
      agreed = true;
      throw difference_between_ranks(verdict);
    }
    carry_out(verdict);
    lock.lock();
  } catch (const Error& error) {
    if (!lock.owns_lock()) lock.lock();
    agreed ? fail(error) : give_up(error);
    return;
  } catch (const std::bad_alloc&) {
    if (!lock.owns_lock()) lock.lock();
    give_up(Error(ErrorCode::resource_exhausted, "no memory for what replicas do together"));
    return;
  }
  for (Slot& slot : slots_) {
    if (slot.status == Status::waiting) slot.status = Status::running;
  }
  carried_out_.notify_all();
}

void Rendezvous::fail(const Error& error) {
  failure_ = error;
  carried_out_.notify_all();
}

void Rendezvous::give_up(const Error& error) {
  control_.revoke(error);
  payload_->revoke(error);
  fail(error);
}

Proposal Rendezvous::propose() {
  // A difference among the local replicas is this rank's error, told to all.
  if (std::optional<Error> difference = local_difference()) {
    Slot& first = slots_.front();
    if (!first.error) first.error = std::move(difference);
  }
  Proposal proposal{.occasion = kTurnOrEnd, .calls = calls_digest(), .turn = {}};
  for (const Slot& slot : slots_) {
    proposal.failed = proposal.failed || slot.error.has_value();
    if (slot.request == nullptr) continue;
    if (slot.request->store != nullptr) {
      proposal.turn = slot.request->store->origin().digest();
    } else {
      proposal.occasion = slot.request->record.fingerprint();
    }
  }
  return proposal;
}

std::optional<std::uint64_t> Rendezvous::calls_digest() const {
  for (const Slot& slot : slots_) {
    // In a round of turns, a replica that has left may have made more calls than one that has not.
    if (slot.request != nullptr && slot.request->store != nullptr) return std::nullopt;
  }
  return replicas_.front().log.digest();
}

void Rendezvous::carry_out(const Verdict& verdict) {
  const Request* const request = slots_.front().request;
  if (request != nullptr && request->store == nullptr) {
    all_reduce();
  } else if (verdict.turn) {
    take_turns(*verdict.turn);
  } else {
    ended_ = true;
  }
}

}  // namespace counterpoint::inline v1
