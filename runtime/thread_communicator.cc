#include "counterpoint/runtime/thread_communicator.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "counterpoint/runtime/internal/collective_call.h"
#include "counterpoint/runtime/internal/thread_hub.h"

namespace counterpoint::inline v1 {
namespace {

class ThreadOperation final : public Work::Operation {
 public:
  ThreadOperation(std::shared_ptr<ThreadHub> hub, std::shared_ptr<ThreadMeeting> meeting, int rank,
                  void* out)
      : hub_(std::move(hub)),
        meeting_(std::move(meeting)),
        rank_(rank),
        out_(static_cast<std::byte*>(out)) {}

  bool test() override {
    if (meeting_ && hub_->test(rank_, *meeting_)) deliver();
    return meeting_ == nullptr;
  }

  void wait(double timeout_seconds) override {
    if (meeting_ == nullptr) return;
    hub_->wait(rank_, *meeting_, timeout_seconds);
    deliver();
  }

 private:
  void deliver() {
    meeting_->deliver(rank_, out_);
    meeting_.reset();
  }

  std::shared_ptr<ThreadHub> hub_;
  std::shared_ptr<ThreadMeeting> meeting_;  // null once delivered
  int rank_;
  std::byte* out_;
};

Work start(const std::shared_ptr<ThreadHub>& hub, int rank, const CollectiveCall& call,
           const void* values, void* out) {
  return Work(std::make_unique<ThreadOperation>(hub, hub->arrive(rank, call, values), rank, out));
}

}  // namespace

std::vector<std::shared_ptr<ThreadCommunicator>> ThreadCommunicator::create(int size) {
  if (size < 1) {
    throw Error(ErrorCode::invalid_argument, fmt::format("{} ranks; at least 1 is needed", size));
  }
  const auto hub = std::make_shared<ThreadHub>(size);
  std::vector<std::shared_ptr<ThreadCommunicator>> ranks;
  for (int rank = 0; rank < size; ++rank) {
    ranks.push_back(std::shared_ptr<ThreadCommunicator>(new ThreadCommunicator(hub, rank, size)));
  }
  return ranks;
}

ThreadCommunicator::ThreadCommunicator(std::shared_ptr<ThreadHub> hub, int rank, int size)
    : hub_(std::move(hub)), rank_(rank), size_(size) {}

ThreadCommunicator::~ThreadCommunicator() { hub_->leave(rank_); }

std::string ThreadCommunicator::describe() const {
  const std::string failure = hub_->failure_message();
  return fmt::format("threads, rank {} of {}{}", rank_, size_,
                     failure.empty() ? "" : ", unusable since: " + failure);
}

std::shared_ptr<Communicator> ThreadCommunicator::duplicate() {
  const auto meeting = hub_->arrive(rank_, {.kind = CollectiveKind::duplicate}, nullptr);
  hub_->wait(rank_, *meeting, timeout_seconds());
  auto duplicate =
      std::shared_ptr<ThreadCommunicator>(new ThreadCommunicator(meeting->duplicate, rank_, size_));
  duplicate->set_timeout_seconds(timeout_seconds());
  return duplicate;
}

void ThreadCommunicator::revoke(const Error& reason) noexcept {
  hub_->fail(rank_, Error(reason.code(), fmt::format("rank {}: {}", rank_, reason.message())));
}

bool ThreadCommunicator::is_missed() { return hub_->is_missed(rank_); }

// A single rank needs no meeting: what it brings is there already.

Work ThreadCommunicator::start_all_reduce(Buffer values, Reduce reduce) {
  const CollectiveCall call = all_reduce_call(values, reduce);
  if (size_ > 1) return start(hub_, rank_, call, values.data, values.data);
  hub_->ensure_usable(rank_);
  return {};
}

Work ThreadCommunicator::start_broadcast(Buffer values, int root) {
  const CollectiveCall call = broadcast_call(values, root, size_);
  if (size_ > 1) return start(hub_, rank_, call, values.data, values.data);
  hub_->ensure_usable(rank_);
  return {};
}

Work ThreadCommunicator::start_all_gather(ConstBuffer values, Buffer gathered) {
  const CollectiveCall call = all_gather_call(values, gathered, size_);
  if (size_ > 1) return start(hub_, rank_, call, values.data, gathered.data);
  hub_->ensure_usable(rank_);
  if (call.count > 0) std::memmove(gathered.data, values.data, call.bytes());
  return {};
}

Work ThreadCommunicator::start_exclusive_scan(Buffer values, Reduce reduce) {
  const CollectiveCall call = exclusive_scan_call(values, reduce);
  if (size_ > 1) return start(hub_, rank_, call, values.data, values.data);
  hub_->ensure_usable(rank_);
  if (reduce == Reduce::sum && call.count > 0) std::memset(values.data, 0, call.bytes());
  return {};
}

Work ThreadCommunicator::start_barrier() {
  if (size_ > 1) return start(hub_, rank_, {}, nullptr, nullptr);
  hub_->ensure_usable(rank_);
  return {};
}

}  // namespace counterpoint::inline v1
