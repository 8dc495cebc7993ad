#include "counterpoint/strategy/internal/rendezvous.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <thread>
#include <utility>

namespace counterpoint::inline v1 {
namespace {

// The occasion of a step in which a replica draws in turn or all have left: a rank whose replicas
// have left takes part in the others' turns.
constexpr std::uint64_t kTurnOrEnd = 0x7475726e206f7220u;

using Seconds = std::chrono::duration<double>;

// Beyond a year there is no deadline to speak of, and clocks overflow.
Seconds bounded(double seconds) { return Seconds(std::min(seconds, 366.0 * 86400.0)); }

// For a thread whose run has gone, and with it what its function refers to.
[[noreturn]] void sleep_for_good(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  for (;;) std::this_thread::sleep_for(std::chrono::hours(24));
}

}  // namespace

Rendezvous::Rendezvous(const StrategyOptions& options, std::vector<LocalReplica>& replicas,
                       OutsideStores& outside, Agreement& agreement,
                       std::shared_ptr<Communicator> payload)
    : options_(options),
      replicas_(replicas),
      outside_(outside),
      agreement_(agreement),
      payload_(std::move(payload)),
      slots_(replicas.size()) {}

void Rendezvous::begin() {
  const std::scoped_lock lock(mutex_);
  for (Slot& slot : slots_) slot = Slot{};
  ended_ = false;
  failure_.reset();
  agreement_.begin_run();
}

void Rendezvous::meet(int local_index, Request& request) {
  if (slots_.size() == 1) ensure_can_step();
  std::unique_lock lock(mutex_);
  if (abandoned_) sleep_for_good(lock);
  if (failure_) throw Error(*failure_);
  Slot& slot = slots_[static_cast<std::size_t>(local_index)];
  if (slot.request != nullptr) {
    wait_for_other_threads(lock, slot, request);
    if (abandoned_) sleep_for_good(lock);
    if (failure_) throw Error(*failure_);
  }
  if (request.store == nullptr) {
    LocalReplica& local = replicas_[static_cast<std::size_t>(local_index)];
    const std::scoped_lock local_lock(local.lock);
    local.log.record(0, request.record);
  }
  slot.request = &request;
  slot.status = Status::waiting;
  if (slots_.size() == 1) {
    while (slot.status == Status::waiting && !failure_) step(lock);
  } else {
    settled_.notify_one();
    carried_out_.wait(lock, [&] { return slot.status != Status::waiting || failure_; });
  }
  slot.request = nullptr;
  slot.status = Status::running;
  if (slot.queued != 0) carried_out_.notify_all();
  if (failure_) throw Error(*failure_);
}

// Draws of several threads of one replica follow each other, each a turn of its own, as the draws of
// threads do anywhere. Which collective comes first would be left to chance.
void Rendezvous::wait_for_other_threads(std::unique_lock<std::mutex>& lock, Slot& slot,
                                        const Request& request) {
  if (slot.request->store == nullptr || request.store == nullptr) {
    throw Error(ErrorCode::failed_precondition,
                fmt::format("replica {} is at {}, and another thread of it at {}; of the threads "
                            "that a replica has bound, one at a time calls a collective, and none "
                            "draws meanwhile from what was made outside",
                            payload_->rank() * options_.replicas_per_rank +
                                static_cast<int>(&slot - slots_.data()),
                            slot.request->record.to_string(), request.record.to_string()));
  }
  ++slot.queued;
  carried_out_.wait(lock, [&] { return slot.request == nullptr || failure_; });
  --slot.queued;
}

// With one replica a rank, the thread that calls takes the step.
void Rendezvous::ensure_can_step() const {
  try {
    payload_->ensure_callable();
  } catch (const Error& error) {
    throw Error(error.code(),
                fmt::format("a collective, or a draw on a generator made outside, was called by a "
                            "thread that may not communicate for its rank's one replica: {}; call "
                            "it on the thread that runs the replica",
                            error.message()));
  }
}

void Rendezvous::leave(int local_index, const std::optional<Error>& error) {
  std::unique_lock lock(mutex_);
  if (abandoned_) sleep_for_good(lock);
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
  wait_until_left(lock);
}

void Rendezvous::wait_until_settled(std::unique_lock<std::mutex>& lock) {
  using Clock = std::chrono::steady_clock;
  // Meanwhile another rank may give up waiting for this one, which knows what keeps it.
  constexpr Seconds kLook(0.02);
  const Seconds timeout = bounded(payload_->timeout_seconds());
  // Only a replica that waits or has left gives the others a deadline: working long is no fault.
  std::optional<Clock::time_point> waited_since;
  while (!settled()) {
    if (!waited_since && std::ranges::any_of(slots_, [](const Slot& slot) {
          return slot.status != Status::running;
        })) {
      waited_since = Clock::now();
    }
    const Seconds left = waited_since ? Seconds(timeout - (Clock::now() - *waited_since)) : kLook;
    if (left <= Seconds::zero()) {
      return give_up_on_running(
          fmt::format("while other replicas of rank {} waited", payload_->rank()));
    }
    settled_.wait_for(lock, std::min(left, kLook));
    if (settled()) return;
    try {
      if (agreement_.control().is_missed() || payload_->is_missed()) {
        return give_up_on_running("while another rank waited");
      }
    } catch (const Error& reason) {  // of another rank, which is no fault of those that are running
      return give_up(agreement_.placed(reason, describe_rank()));
    }
  }
}

void Rendezvous::give_up_on_running(const std::string& why) {
  std::string missing;
  for (const Slot& slot : slots_) {
    if (slot.status == Status::running) missing += (missing.empty() ? "" : "; ") + describe(slot);
  }
  const Error error(
      ErrorCode::deadline_exceeded,
      fmt::format("{} did not come within {:g} s {}", missing, payload_->timeout_seconds(), why));
  give_up(error);
  // Others may be gone as well, which nobody has had the time to see.
  const Error whole(error.code(), error.message() + agreement_.describe_silent());
  failure_ = agreement_.placed(whole, describe_rank());
}

// The replicas' functions refer to the caller's frame, which should not go before they have
// returned. Those that hang cannot be waited for.
void Rendezvous::wait_until_left(std::unique_lock<std::mutex>& lock) {
  const auto left = [this] { return all_left(); };
  if (!failure_) return settled_.wait(lock, left);
  // Where a deadline has passed already, the others end the job soon: this rank must have spoken then.
  const double timeout = payload_->timeout_seconds();
  const bool is_late = failure_->code() == ErrorCode::deadline_exceeded;
  const Seconds grace = bounded(is_late ? std::clamp(timeout / 2, 0.1, 1.0) : timeout);
  abandoned_ = !settled_.wait_for(lock, grace, left);
}

// Called with the lock held and all slots settled, so that no replica touches its slot meanwhile.
void Rendezvous::step(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  std::optional<Error> error;
  bool agreed = false;  // to fail: every rank throws the same
  bool took_turns = false;
  try {
    took_turns = step_together();
  } catch (const AgreedError& all) {
    error = all;
    agreed = true;
  } catch (const Error& mine) {
    error = agreement_.placed(mine, describe_rank());
  } catch (const std::bad_alloc&) {
    error.emplace(ErrorCode::resource_exhausted, "no memory for what replicas do together");
  }
  lock.lock();
  if (error) {
    agreed ? fail(*error) : give_up(*error);
    return;
  }
  for (Slot& slot : slots_) {
    // At a collective, a replica waits until the others have taken their turns.
    const bool waits_on = took_turns && slot.request != nullptr && slot.request->store == nullptr;
    if (slot.status == Status::waiting && !waits_on) slot.status = Status::running;
  }
  carried_out_.notify_all();
}

const Rendezvous::Slot* Rendezvous::drawing() const {
  const auto found = std::ranges::find_if(slots_, [](const Slot& slot) {
    return slot.request != nullptr && slot.request->store != nullptr;
  });
  return found == slots_.end() ? nullptr : &*found;
}

bool Rendezvous::step_together() {
  agreement_.settle(drawing() != nullptr);
  const std::optional<Error> fault = local_fault();
  const bool checks_collectives = options_.collective_checks == CollectiveChecks::before_payload;
  // The others may be in a payload, which no control call would end.
  if (fault && !checks_collectives) throw Error(*fault);
  if (!fault && ends_without_waiting()) {
    agreement_.post_end(kTurnOrEnd);
    ended_ = true;
    return false;
  }
  const Request* const request = slots_.front().request;
  const bool reduces = !fault && request != nullptr && drawing() == nullptr;
  if (reduces && !checks_collectives) {
    all_reduce_unchecked();
    return false;
  }
  const Verdict verdict =
      agreement_.agree(propose(fault.has_value()), reduces ? &request->record : nullptr, fault,
                       [this] { return describe_rank(); });
  carry_out(verdict);
  return verdict.turn.has_value();
}

void Rendezvous::fail(const Error& error) {
  failure_ = error;
  carried_out_.notify_all();
}

void Rendezvous::give_up(const Error& error) {
  agreement_.control().revoke(error);
  payload_->revoke(error);
  fail(error);
}

// A rank that knows a generator made outside answers the turns that others still take on it.
bool Rendezvous::ends_without_waiting() {
  // Turns that are equal need no answer.
  return all_left() && (options_.turns == Turns::assumed_equal || outside_.empty());
}

Proposal Rendezvous::propose(bool failed) const {
  Proposal proposal{.occasion = kTurnOrEnd, .calls = {}, .turn = {}, .failed = failed};
  if (const Slot* const slot = drawing()) {
    // Whatever the others are about to do waits for the turn. One that has left, or is at a
    // collective, may have made more calls than one that has not.
    proposal.occasion.reset();
    proposal.turn = outside_.turn_of(*slot->request->store);
    return proposal;
  }
  if (const Request* const request = slots_.front().request) {
    proposal.occasion = request->record.fingerprint();
    proposal.is_logged = true;
  }
  if (agreement_.compares_runs()) agreement_.compare_calls(proposal);
  return proposal;
}

void Rendezvous::carry_out(const Verdict& verdict) {
  if (verdict.turn) {
    take_turns(*verdict.turn);
  } else if (slots_.front().request != nullptr) {
    all_reduce();
  } else {
    ended_ = true;
  }
}

}  // namespace counterpoint::inline v1
