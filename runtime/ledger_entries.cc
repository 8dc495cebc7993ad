// A ledger's ranges as they travel, and those of others taken in.
#include <memory>
#include <utility>

#include "counterpoint/runtime/internal/draw_ledger.h"

namespace counterpoint::inline v1 {

std::vector<LedgerEntry> DrawLedger::entries() const {
  const std::scoped_lock lock(mutex_);
  std::vector<LedgerEntry> entries;
  entries.reserve(ranges_.size());
  for (const auto& [at, range] : ranges_) {
    LedgerEntry& entry =
        entries.emplace_back(LedgerEntry{.algorithm = algorithms_[at.stream.algorithm],
                                         .key = at.stream.key,
                                         .first = at.first,
                                         .last = range.last,
                                         .holder = range.holder->text,
                                         .identity = range.holder->identity,
                                         .kind = range.holder->kind,
                                         .calls = {}});
    for (const Call& call : range.calls) {
      entry.calls.push_back({call.to_string(), call.first, call.last});
    }
  }
  return entries;
}

void DrawLedger::import(const std::vector<LedgerEntry>& entries) {
  const std::scoped_lock lock(mutex_);
  std::map<std::tuple<std::uint64_t, std::string, HolderKind>, Holder*> known;
  for (const LedgerEntry& entry : entries) {
    Holder*& holder = known[{entry.identity, entry.holder, entry.kind}];
    if (holder == nullptr) {
      auto earlier = std::make_unique<Holder>(Holder{
          .text = entry.holder, .identity = entry.identity, .kind = entry.kind, .imported = true});
      holder = holders_.emplace(entry.identity, std::move(earlier))->second.get();
    }
    ++holder->jumps;  // ranges stay as they were taken, not merged across what lies between
    const Stream stream{algorithm_index(entry.algorithm), entry.key};
    add(*holder, stream, entry.first, entry.last, nullptr);
    for (const LedgerCall& text : entry.calls) {
      const std::string* const kept = &*texts_.insert(text.text).first;
      for (auto range = first_meeting(stream, text.first, text.last);
           meets(range, stream, text.last); ++range) {
        if (range->second.holder == holder) {
          add_call(range->second, {.text = kept}, text.first, text.last);
        }
      }
    }
  }
  for (const auto& [_, holder] : known) {
    holder->alive = false;
    drop_if_gone(*holder);
  }
}

}  // namespace counterpoint::inline v1
