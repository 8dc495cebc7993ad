#include "counterpoint/runtime/internal/mpi_channel.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

#include "counterpoint/runtime/internal/backoff.h"

namespace counterpoint::inline v1 {
namespace {

MpiLane make_lane(MPI_Comm comm) {
  MpiLane lane;
  lane.comm = comm;
  check_mpi(MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check_mpi(MPI_Comm_rank(comm, &lane.rank), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(comm, &lane.size), "MPI_Comm_size");
  return lane;
}

constexpr double kFinishSeconds = 2;

// How long the others get to answer a roll call.
double grace_seconds(double timeout_seconds) { return std::clamp(timeout_seconds / 2, 0.1, 1.0); }

}  // namespace

MpiChannel::MpiChannel(MPI_Comm comm)
    : lane_(make_lane(comm)),
      roll_call_(lane_.comm, lane_.rank, lane_.size),
      last_look_(Deadline::Clock::now()) {
  MpiSession::get().add(*this);
}

MpiChannel::~MpiChannel() {
  MpiSession::get().remove(*this);
  release(0);
}

// What was posted and nobody waited for (the end of a strategy's last run, say) is finished first: MPI
// must not be finalised with requests open. All ranks finalise, so it takes no time to speak of.
void MpiChannel::release_before_finalize() noexcept { release(kFinishSeconds); }

void MpiChannel::release(double timeout_seconds) noexcept {
  const bool alive = lane_.comm != MPI_COMM_NULL && MpiSession::get().is_callable() && !failure_;
  const Deadline deadline(timeout_seconds);
  Backoff backoff;
  if (alive) progress_or_fail();
  while (alive && !failure_ && !under_way_.empty() && !deadline.expired()) {
    backoff.pause();
    progress_or_fail();
  }
  if (alive && !failure_ && under_way_.empty()) MPI_Comm_free(&lane_.comm);
  keep_pending();
  if (!failure_) failure_ = Error(ErrorCode::failed_precondition, "MPI has been finalised");
  lane_.comm = MPI_COMM_NULL;
}

std::shared_ptr<MpiOperation> MpiChannel::start(const CollectiveCall& call, const void* values,
                                                void* out, std::shared_ptr<const void> owner) {
  ensure_usable();
  MpiSession::get().ensure_callable();
  look_for_notice_now_and_then();
  throw_failure();
  std::shared_ptr<MpiOperation> operation;
  try {
    operation =
        std::make_shared<MpiOperation>(lane_, call, calls_made_ + 1, values, out, std::move(owner));
    under_way_.push_back(operation);
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::resource_exhausted,
                fmt::format("no memory for {} between {} ranks", to_string(call), lane_.size));
  }
  ++calls_made_;
  progress_or_fail();
  throw_failure();
  return operation;
}

bool MpiChannel::test(const MpiOperation& operation) {
  if (operation.done()) return true;
  throw_failure();
  MpiSession::get().ensure_callable();
  progress_or_fail();
  if (operation.done()) return true;
  look_for_notice_now_and_then();
  throw_failure();
  return false;
}

void MpiChannel::wait(const MpiOperation& operation, double timeout_seconds) {
  if (operation.done()) return;
  throw_failure();
  MpiSession::get().ensure_callable();
  const Deadline deadline(timeout_seconds);
  Backoff backoff;
  for (;;) {
    const bool moved = progress_or_fail();
    if (operation.done()) return;
    throw_failure();
    if (moved) backoff = {};
    if (!backoff.spinning()) {
      look_for_notice_now_and_then();
      if (!failure_ && deadline.expired()) expire(operation, timeout_seconds);
      throw_failure();
    }
    backoff.pause();
  }
}

void MpiChannel::abandon(MpiOperation& operation) noexcept {
  operation.orphan();
  if (operation.done() || operation.input_read()) return;
  revoke(Error(ErrorCode::failed_precondition,
               fmt::format("call {}, {}: given up before all of its payload was read",
                           operation.number(), to_string(operation.call()))));
}

void MpiChannel::revoke(const Error& reason) noexcept {
  if (failure_ || !MpiSession::get().is_callable()) return;
  MpiNotice notice;
  notice.kind = MpiNotice::Kind::revoked;
  notice.code = static_cast<std::int64_t>(reason.code());
  notice.set_text(fmt::format("rank {}: {}", lane_.rank, reason.message()));
  fail(Error(reason.code(), notice.text));
  told_ = true;
  // The others end as after a deadline of their own, which MPI_Finalize does not.
  if (reason.code() == ErrorCode::deadline_exceeded) MpiSession::get().mark_stuck();
  try {
    roll_call_.send(notice, calls_made_);
  } catch (const std::exception&) {
    // The others will find out when their deadlines expire.
  }
}

bool MpiChannel::is_missed() {
  if (!failure_ && !unanswered_ && MpiSession::get().is_callable()) {
    progress_or_fail();
    try {
      if (!failure_) unanswered_ = roll_call_.poll();
      if (unanswered_ && unanswered_->kind == MpiNotice::Kind::revoked) look_for_notice();
    } catch (const Error& error) {
      fail(error);
    }
  }
  throw_failure();
  return unanswered_.has_value();
}

std::vector<int> MpiChannel::silent_ranks() const noexcept {
  if (lane_.comm == MPI_COMM_NULL || !MpiSession::get().is_callable()) return {};
  try {
    return roll_call_.silent();
  } catch (const std::exception&) {
    return {};  // what has failed already matters more
  }
}

bool MpiChannel::progress() {
  bool moved = false;
  for (std::size_t i = 0; i < under_way_.size();) {
    MpiOperation& operation = *under_way_[i];
    moved |= operation.advance();
    if (!operation.issued()) break;
    if (operation.done()) {
      under_way_.erase(under_way_.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
  return moved;
}

bool MpiChannel::progress_or_fail() {
  try {
    return progress();
  } catch (const Error& error) {
    fail(error);
    return false;
  }
}

void MpiChannel::look_for_notice() {
  try {
    const auto notice = unanswered_ ? std::exchange(unanswered_, {}) : roll_call_.poll();
    if (notice) answer(*notice);
  } catch (const Error& error) {
    fail(error);
  }
}

// Only after a pause of this rank can there be one: healthy traffic pays a look at the clock.
void MpiChannel::look_for_notice_now_and_then() {
  const auto now = Deadline::Clock::now();
  if (now - last_look_ < std::chrono::milliseconds(5)) return;
  last_look_ = now;
  look_for_notice();
}

void MpiChannel::answer(const MpiNotice& notice) {
  // Whoever waits in vain cannot tell who else is gone, and may do so at the same time as another gives up
  // for other reasons: whoever hears of either answers all.
  if (notice.kind == MpiNotice::Kind::revoked) {
    fail(Error(static_cast<ErrorCode>(notice.code), notice.text));
    return roll_call_.send(notice, calls_made_);
  }
  roll_call_.send(notice, calls_made_);
  fail_after_roll_call(notice);
}

void MpiChannel::expire(const MpiOperation& operation, double timeout_seconds) {
  MpiNotice notice;
  notice.awaited_call = operation.number();
  notice.timeout_seconds = timeout_seconds;
  notice.set_text(to_string(operation.call()));
  try {
    roll_call_.send(notice, calls_made_);
    fail_after_roll_call(notice);
  } catch (const Error& error) {
    fail(error);
  }
}

void MpiChannel::fail_after_roll_call(const MpiNotice& notice) {
  const auto [missing, revoked] =
      roll_call_.collect(notice.awaited_call, grace_seconds(notice.timeout_seconds));
  const std::string absent = describe_missing(missing, notice.timeout_seconds);
  CommunicatorError error(notice.text, notice.awaited_call, absent);
  if (revoked) {
    // A rank that knows what keeps it.
    const std::string others = missing.empty() ? "" : "; and " + absent;
    error = Error(static_cast<ErrorCode>(revoked->code), revoked->text + others);
  }
  fail(error.set_names_silent());
  MpiSession::get().mark_stuck();
}

void MpiChannel::fail(const CommunicatorError& error) noexcept {
  if (!failure_) failure_.emplace(error);
  if (keep_pending()) MpiSession::get().mark_stuck();
}

// What MPI may still touch stays forever. True if there was any.
bool MpiChannel::keep_pending() noexcept {
  bool any = false;
  for (const auto& operation : under_way_) {
    if (!operation->pending()) continue;
    MpiSession::get().keep_forever(operation);
    any = true;
  }
  under_way_.clear();
  return any;
}

void MpiChannel::ensure_usable() {
  if (failure_ && told_) throw_unusable(failure_->message());
  throw_failure();
}

void MpiChannel::throw_failure() {
  if (!failure_) return;
  told_ = true;
  throw CommunicatorError(*failure_);
}

}  // namespace counterpoint::inline v1
