#include "counterpoint/runtime/internal/thread_hub.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>

#include "counterpoint/runtime/internal/deadline.h"
#include "counterpoint/runtime/internal/reduce_elements.h"

namespace counterpoint::inline v1 {
namespace {

// For a rank that looks whether it is missed, to say what keeps it.
constexpr std::chrono::milliseconds kGrace(500);

int row_count(const CollectiveCall& call, int size) {
  switch (call.kind) {
    case CollectiveKind::all_reduce:
    case CollectiveKind::all_gather:
    case CollectiveKind::exclusive_scan:
      return size;
    case CollectiveKind::broadcast:
      return 1;
    case CollectiveKind::barrier:
    case CollectiveKind::duplicate:
      break;
  }
  return 0;
}

// memcpy wants pointers even for nothing.
void copy_bytes(std::byte* to, const void* from, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to, from, bytes);
}

}  // namespace

ThreadMeeting::ThreadMeeting(const CollectiveCall& the_call, std::int64_t the_number, int opener,
                             int size)
    : call(the_call),
      number(the_number),
      opened_by(opener),
      present(size),
      rows(std::make_unique_for_overwrite<std::byte[]>(
          static_cast<std::size_t>(row_count(the_call, size)) * the_call.bytes())) {
  if (call.kind == CollectiveKind::duplicate) {
    duplicate = std::make_shared<ThreadHub>(size);
  }
}

void ThreadMeeting::deliver(int rank, std::byte* out) const {
  switch (call.kind) {
    case CollectiveKind::all_reduce:
      return copy_bytes(out, row(0), call.bytes());
    case CollectiveKind::broadcast:  // the root has them, and may be reading them
      if (rank != call.root) copy_bytes(out, row(0), call.bytes());
      return;
    case CollectiveKind::all_gather:
      return copy_bytes(out, row(0), call.bytes() * present.size());
    case CollectiveKind::exclusive_scan:
      if (rank > 0) {
        reduce_rows(call.dtype, call.reduce, row(0), call.bytes(), rank, call.count, out);
      } else if (call.reduce == Reduce::sum && call.count > 0) {
        std::memset(out, 0, call.bytes());
      }
      return;
    case CollectiveKind::barrier:
    case CollectiveKind::duplicate:
      return;
  }
}

std::shared_ptr<ThreadMeeting> ThreadHub::arrive(int rank, const CollectiveCall& call,
                                                 const void* values) {
  const std::shared_ptr<ThreadMeeting> meeting = enter(rank, call);
  if (call.kind == CollectiveKind::broadcast) {
    if (rank == call.root) copy_bytes(meeting->row(0), values, call.bytes());
  } else {
    copy_bytes(meeting->row(rank), values, call.bytes());
  }
  {
    const std::lock_guard lock(mutex_);
    if (++meeting->copied_in < size()) return meeting;
    open_.erase(meeting->number);
  }
  complete(*meeting);
  return meeting;
}

std::shared_ptr<ThreadMeeting> ThreadHub::enter(int rank, const CollectiveCall& call) {
  const std::lock_guard lock(mutex_);
  ensure_usable_locked(rank);
  const std::int64_t number = calls_made_[rank] + 1;
  std::shared_ptr<ThreadMeeting> meeting;
  if (const auto found = open_.find(number); found != open_.end()) {
    meeting = found->second;
  } else {
    try {
      meeting = std::make_shared<ThreadMeeting>(call, number, rank, size());
      open_.emplace(number, meeting);
    } catch (const std::bad_alloc&) {
      throw Error(ErrorCode::resource_exhausted,
                  fmt::format("no memory for {} between {} ranks", to_string(call), size()));
    }
  }
  if (!(meeting->call == call)) {
    fail_locked(
        Error(ErrorCode::diverged,
              fmt::format("call {}: rank {} called {}, rank {} called {}", number,
                          meeting->opened_by, to_string(meeting->call), rank, to_string(call))));
    throw_failure(rank);
  }
  calls_made_[rank] = number;
  looked_[rank] = false;
  meeting->present[rank] = true;
  fail_if_left(*meeting);
  throw_failure(rank);
  return meeting;
}

void ThreadHub::complete(ThreadMeeting& meeting) {
  const CollectiveCall& call = meeting.call;
  if (call.kind == CollectiveKind::all_reduce) {
    reduce_rows(call.dtype, call.reduce, meeting.row(0), call.bytes(), size(), call.count,
                meeting.row(0));
  }
  const std::lock_guard lock(mutex_);
  meeting.done = true;
  changed_.notify_all();
}

bool ThreadHub::test(int rank, const ThreadMeeting& meeting) {
  const std::lock_guard lock(mutex_);
  if (!meeting.done) throw_failure(rank);
  return meeting.done;
}

void ThreadHub::wait(int rank, const ThreadMeeting& meeting, double timeout_seconds) {
  const Deadline deadline(timeout_seconds);
  const auto ended = [&] { return meeting.done || failure_.has_value(); };
  std::unique_lock lock(mutex_);
  if (!changed_.wait_until(lock, deadline.time(), ended)) {
    std::vector<MissingRank> missing = missing_from(meeting);
    if (std::ranges::any_of(missing, [this](const auto& late) { return looked_[late.rank]; })) {
      ++expired_;
      const bool has_ended = changed_.wait_for(lock, kGrace, ended);
      --expired_;
      if (has_ended) {
        if (!meeting.done) throw_failure(rank);
        return;
      }
      missing = missing_from(meeting);
    }
    if (missing.empty()) {  // all have come; the last is still adding up
      changed_.wait(lock, ended);
    } else {
      fail_locked(CommunicatorError(to_string(meeting.call), meeting.number,
                                    describe_missing(missing, timeout_seconds)));
    }
  }
  if (!meeting.done) throw_failure(rank);
}

std::vector<MissingRank> ThreadHub::missing_from(const ThreadMeeting& meeting) const {
  std::vector<MissingRank> missing;
  for (int rank = 0; rank < size(); ++rank) {
    if (!meeting.present[rank]) missing.push_back({rank, calls_made_[rank]});
  }
  return missing;
}

bool ThreadHub::is_missed(int rank) {
  const std::lock_guard lock(mutex_);
  looked_[rank] = true;
  throw_failure(rank);
  return expired_ > 0;
}

void ThreadHub::ensure_usable(int rank) {
  const std::lock_guard lock(mutex_);
  ensure_usable_locked(rank);
}

void ThreadHub::fail(int rank, const Error& error) noexcept {
  const std::lock_guard lock(mutex_);
  if (!failure_) told_[rank] = true;
  fail_locked(error);
}

void ThreadHub::leave(int rank) noexcept {
  const std::lock_guard lock(mutex_);
  left_[rank] = true;
  for (const auto& [number, meeting] : open_) fail_if_left(*meeting);
}

std::string ThreadHub::failure_message() {
  const std::lock_guard lock(mutex_);
  return failure_ ? failure_->message() : "";
}

void ThreadHub::fail_locked(const CommunicatorError& error) {
  if (!failure_) failure_ = error;
  changed_.notify_all();
}

void ThreadHub::fail_if_left(const ThreadMeeting& meeting) {
  for (int rank = 0; rank < size(); ++rank) {
    if (left_[rank] && !meeting.present[rank]) {
      fail_locked(Error(ErrorCode::unavailable,
                        fmt::format("call {}, {}: rank {} left after {} calls", meeting.number,
                                    to_string(meeting.call), rank, calls_made_[rank])));
    }
  }
}

void ThreadHub::ensure_usable_locked(int rank) {
  if (failure_ && told_[rank]) throw_unusable(failure_->message());
  throw_failure(rank);
}

void ThreadHub::throw_failure(int rank) {
  if (!failure_) return;
  told_[rank] = true;
  throw CommunicatorError(*failure_);
}

}  // namespace counterpoint::inline v1
