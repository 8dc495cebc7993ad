// Naming what differs between the replicas of a rank, and where each of them is.
#include <fmt/format.h>

#include <mutex>

#include "counterpoint/strategy/internal/rendezvous.h"

namespace counterpoint::inline v1 {

std::string Rendezvous::describe(const Slot& slot) const {
  const auto index = static_cast<std::size_t>(&slot - slots_.data());
  const int replica_id = payload_->rank() * options_.replicas_per_rank + static_cast<int>(index);
  // A replica that is running may be making a call.
  const std::scoped_lock lock(replicas_[index].lock);
  const CallLog& log = replicas_[index].log;
  switch (slot.status) {
    case Status::waiting:
      return fmt::format("replica {} is at {} after {} calls", replica_id,
                         slot.request->record.to_string(), log.count());
    case Status::left:
      return fmt::format("replica {} has left run {} after {} calls", replica_id, agreement_.run(),
                         log.count());
    case Status::running:
      break;
  }
  return log.count() == 0
             ? fmt::format("replica {} is running and has made no call", replica_id)
             : fmt::format("replica {} is running since {}", replica_id,
                           log.describe(log.count() - 1, log.count(), agreement_.names()));
}

std::string Rendezvous::describe_rank() const {
  std::string text;
  for (const Slot& slot : slots_) text += (text.empty() ? "" : ", ") + describe(slot);
  return text;
}

// What keeps this rank from taking the step, whatever the others want.
std::optional<Error> Rendezvous::local_fault() const {
  for (const Slot& slot : slots_) {
    if (slot.error) return slot.error;
  }
  if (std::optional<Error> differ = differing_requests()) return differ;
  // In a round of turns, a replica that has left may have made more calls than one that has not.
  for (const Slot& slot : slots_) {
    if (slot.request != nullptr && slot.request->store != nullptr) return std::nullopt;
  }
  if (options_.on_divergence != OnDivergence::stop || !agreement_.local_calls_differ()) {
    return std::nullopt;
  }
  return Error(ErrorCode::diverged,
               "replicas that must make the same calls do not: " + agreement_.local_difference());
}

std::optional<Error> Rendezvous::differing_requests() const {
  const Slot* drawing = nullptr;
  const Slot* reducing = nullptr;
  for (const Slot& slot : slots_) {
    if (slot.request == nullptr) continue;
    (slot.request->store != nullptr ? drawing : reducing) = &slot;
  }
  const auto differ = [this](const char* what, const Slot& a, const Slot& b) {
    return Error(ErrorCode::diverged, fmt::format("{}: {}; {}", what, describe(a), describe(b)));
  };
  for (const Slot& slot : slots_) {
    if (reducing != nullptr) {
      if (slot.request == nullptr ||
          slot.request->record.fingerprint() != reducing->request->record.fingerprint()) {
        return differ("replicas that must call the same thing do not", *reducing, slot);
      }
    } else if (drawing != nullptr && slot.request != nullptr &&
               slot.request->store != drawing->request->store) {
      return differ("replicas draw at once from different generators that were made outside",
                    *drawing, slot);
    }
  }
  return std::nullopt;
}

}  // namespace counterpoint::inline v1
