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
    case Status::waiting: {
      PlainStore* const store = slot.request->store;
      return fmt::format("replica {} is at {}{} after {} calls", replica_id,
                         slot.request->record.to_string(),
                         store == nullptr ? "" : " of " + outside_.describe(*store), log.count());
    }
    case Status::left:
      return agreement_.left(index, agreement_.run(), log.mark());
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
  // In a round of turns, one that has left or is at a collective may have made more calls than others.
  if (const Slot* const slot = drawing()) {
    return outside_.objection_to(*slot->request->store);
  }
  if (options_.on_divergence != OnDivergence::stop || !agreement_.local_calls_differ()) {
    return std::nullopt;
  }
  return Error(ErrorCode::diverged,
               "replicas that must make the same calls do not: " + agreement_.local_difference());
}

std::optional<Error> Rendezvous::differing_requests() const {
  const auto differ = [this](const char* what, const Slot& a, const Slot& b) {
    return Error(ErrorCode::diverged, fmt::format("{}: {}; {}", what, describe(a), describe(b)));
  };
  const Slot* const first = drawing();
  const Slot* reducing = nullptr;
  for (const Slot& slot : slots_) {
    if (slot.request == nullptr) continue;
    if (slot.request->store == nullptr) {
      reducing = &slot;
    } else if (slot.request->store != first->request->store) {
      return differ("replicas draw at once from different generators that were made outside",
                    *first, slot);
    }
  }
  if (reducing == nullptr) return std::nullopt;
  if (first != nullptr) {
    // Other ranks may be in a payload, which no turn of this one would end.
    if (options_.collective_checks == CollectiveChecks::before_payload) return std::nullopt;
    return differ("replicas that must call the same thing do not", *reducing, *first);
  }
  for (const Slot& slot : slots_) {
    if (slot.request != nullptr &&
        slot.request->record.fingerprint() == reducing->request->record.fingerprint()) {
      continue;
    }
    Error found = differ("replicas that must call the same thing do not", *reducing, slot);
    if (!agreement_.compares_runs()) return found;
    std::vector<bool> is_logged;
    for (const Slot& at : slots_) is_logged.push_back(at.request != nullptr);
    const std::string earlier = agreement_.local_difference_before(is_logged);
    return earlier.empty() ? found : Error(found.code(), noticed_later(earlier, found.message()));
  }
  return std::nullopt;
}

}  // namespace counterpoint::inline v1
