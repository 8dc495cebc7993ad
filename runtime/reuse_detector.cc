// Switching detection on, and the claims of one holder.
#include "counterpoint/runtime/reuse_detector.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <string_view>
#include <utility>

#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/internal/draw_ledger.h"

namespace counterpoint::inline v1 {
namespace {

// The ledger of the process: what all its draws take is known nowhere else.
struct CurrentLedger {
  std::mutex mutex;
  std::shared_ptr<DrawLedger> of_job;       // from the environment
  std::shared_ptr<DrawLedger> of_detector;  // while one lives
  std::atomic<bool> watching = false;

  CurrentLedger() {
    const char* const text = std::getenv("COUNTERPOINT_DETECT_REUSE");
    if (text == nullptr || std::string_view(text).empty() || std::string_view(text) == "0") return;
    of_job = std::make_shared<DrawLedger>(ReuseDetectorOptions{});
    watching = true;
  }
};

CurrentLedger& current_ledger() {
  // Leaked, so that generators may go until the process ends.
  static auto* const current = new CurrentLedger;
  return *current;
}

}  // namespace

std::shared_ptr<DrawLedger> DrawLedger::current() {
  CurrentLedger& current = current_ledger();
  if (!current.watching.load(std::memory_order_relaxed)) return nullptr;
  const std::scoped_lock lock(current.mutex);
  return current.of_detector != nullptr ? current.of_detector : current.of_job;
}

ReuseDetector::ReuseDetector(ReuseDetectorOptions options)
    : ledger_(std::make_shared<DrawLedger>(options)) {
  CurrentLedger& current = current_ledger();
  const std::scoped_lock lock(current.mutex);
  if (current.of_detector != nullptr) {
    throw Error(
        ErrorCode::failed_precondition,
        "a ReuseDetector lives already, and watches all generators that are made; use that");
  }
  current.of_detector = ledger_;
  current.watching = true;
}

ReuseDetector::~ReuseDetector() {
  CurrentLedger& current = current_ledger();
  const std::scoped_lock lock(current.mutex);
  current.of_detector.reset();
  current.watching = current.of_job != nullptr;
}

std::vector<Reuse> ReuseDetector::reuses() const { return ledger_->reuses(); }
std::size_t ReuseDetector::num_ranges() const { return ledger_->num_ranges(); }
std::size_t ReuseDetector::num_forgotten() const { return ledger_->num_forgotten(); }

std::unique_ptr<BlockClaims> BlockClaims::if_watched(const StreamDefinition& definition,
                                                     const StreamState& state,
                                                     const StreamOrigin& origin, const Who& who) {
  std::shared_ptr<DrawLedger> ledger = DrawLedger::current();
  if (ledger == nullptr) return nullptr;
  std::string text = origin.to_string();
  if (who.replica_id) text += fmt::format(" (replica {})", *who.replica_id);
  const auto part = static_cast<std::uint64_t>(who.replica_id.value_or(-1) + 1);
  const std::uint64_t made_with =
      mix_digest(mix_digest(state.counter.low, state.counter.high), state.key);
  DrawLedger::Holder& holder =
      ledger->open(definition, {.text = std::move(text),
                                .identity = mix_digest(origin.digest(), part),
                                .kind = who.kind,
                                .run = who.run,
                                .made_with = origin.name.empty() ? made_with : 0});
  return std::make_unique<BlockClaims>(std::move(ledger), definition, holder);
}

BlockClaims::BlockClaims(std::shared_ptr<DrawLedger> ledger, const StreamDefinition& definition,
                         DrawLedger::Holder& holder)
    : ledger_(std::move(ledger)), definition_(definition), holder_(holder) {}

BlockClaims::~BlockClaims() { ledger_->close(holder_); }

void BlockClaims::claim(const Reservation& reserved, std::uint64_t blocks,
                        const CallRecord& record) {
  if (record.operation != Operation::skip) {
    ledger_->claim(holder_, reserved, blocks, record);
  } else if (record.shape.front() >= 0) {
    ledger_->jump(holder_);
  } else {
    rewind_to(reserved, definition_.advance(reserved.counter, blocks));
  }
}

void BlockClaims::rewind_to(const Reservation& at, const kernels::Counter& to) {
  ledger_->rewind_to(holder_, at, block_number(to));
}

void BlockClaims::rewind(const Reservation& to, Operation operation) noexcept {
  ledger_->rewind(holder_, to, operation);
}

}  // namespace counterpoint::inline v1
