// Naming what differs: between the replicas of a rank, and between ranks.
#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "counterpoint/strategy/internal/rendezvous.h"

namespace counterpoint::inline v1 {

std::string Rendezvous::describe(const Slot& slot) const {
  const auto index = static_cast<std::size_t>(&slot - slots_.data());
  const int replica_id = options_.first_replica_id + static_cast<int>(index);
  // A replica that is running may be making a call.
  const std::scoped_lock lock(replicas_[index].lock);
  const CallLog& log = replicas_[index].log;
  switch (slot.status) {
    case Status::waiting:
      return fmt::format("replica {} is at {} after {} calls", replica_id,
                         slot.request->record.to_string(), log.count());
    case Status::left:
      return fmt::format("replica {} has left after {} calls", replica_id, log.count());
    case Status::running:
      break;
  }
  return log.count() == 0 ? fmt::format("replica {} is running and has made no call", replica_id)
                          : fmt::format("replica {} is running since {}", replica_id,
                                        log.describe(log.count() - 1));
}

std::optional<Error> Rendezvous::local_difference() const {
  const Slot* drawing = nullptr;
  const Slot* reducing = nullptr;
  for (const Slot& slot : slots_) {
    if (slot.error) return slot.error;
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
  // In a round of turns, a replica that has left may have made more calls than one that has not.
  return drawing != nullptr ? std::nullopt : log_difference();
}

std::optional<Error> Rendezvous::log_difference() const {
  const CallLog& first = replicas_.front().log;
  for (std::size_t i = 1; i < replicas_.size(); ++i) {
    const CallLog& other = replicas_[i].log;
    if (const std::optional<std::uint64_t> number = first_difference(first, other)) {
      return Error(
          ErrorCode::diverged,
          fmt::format("replicas that must make the same calls do not: replica {} {}; replica "
                      "{} {}",
                      options_.first_replica_id, first.describe(*number),
                      options_.first_replica_id + static_cast<int>(i), other.describe(*number)));
    }
  }
  return std::nullopt;
}

std::string Rendezvous::describe_rank() const {
  std::string text;
  for (const Slot& slot : slots_) text += (text.empty() ? "" : ", ") + describe(slot);
  return text;
}

Error Rendezvous::difference_between_ranks(const Verdict& verdict) {
  if (verdict.occasions_agree && verdict.turns_agree) {
    return log_difference_between_ranks(control_, *payload_, options_.first_replica_id,
                                        replicas_.front().log);
  }
  const std::vector<std::string> texts = control_.tell_all(describe_rank());
  std::string message = "ranks that must do the same thing do not: ";
  for (std::size_t rank = 0; rank < texts.size(); ++rank) {
    message += fmt::format("{}on rank {}, {}", rank == 0 ? "" : "; ", rank, texts[rank]);
  }
  return {ErrorCode::diverged, message};
}

Error log_difference_between_ranks(Control& control, Communicator& payload, int first_replica_id,
                                   const CallLog& log) {
  // Digests of the last calls, oldest first, behind the number of the first of them and of all.
  constexpr std::size_t kHead = 2;
  std::vector<std::uint64_t> mine(kHead + CallLog::kRemembered);
  mine[0] = log.first_remembered();
  mine[1] = log.count();
  for (std::uint64_t number = mine[0]; number < mine[1]; ++number) {
    mine[kHead + number - mine[0]] = log.call(number)->digest;
  }
  const auto ranks = static_cast<std::size_t>(payload.size());
  std::vector<std::uint64_t> all(ranks * mine.size());
  payload.all_gather(std::span<const std::uint64_t>(mine), std::span(all));

  // The first call in which some rank differs from rank 0.
  std::uint64_t number = ~std::uint64_t{0};
  std::size_t differing = 0;
  for (std::size_t rank = 1; rank < ranks; ++rank) {
    const std::uint64_t* const a = all.data();
    const std::uint64_t* const b = all.data() + rank * mine.size();
    const std::uint64_t both = std::min(a[1], b[1]);
    std::uint64_t at = std::max(a[0], b[0]);
    while (at < both && a[kHead + at - a[0]] == b[kHead + at - b[0]]) ++at;
    const bool differs = at < both || a[1] != b[1];
    if (differs && at < number) {
      number = at;
      differing = rank;
    }
  }
  const std::vector<std::string> texts = control.tell_all(fmt::format(
      "replica {} on rank {} {}", first_replica_id, payload.rank(), log.describe(number)));
  return {ErrorCode::diverged, fmt::format("replicas that must make the same calls do not: {}; {}",
                                           texts.front(), texts[differing])};
}

}  // namespace counterpoint::inline v1
