// A ledger's ranges as they travel, and those of others taken in.
#include <algorithm>
#include <memory>
#include <new>
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
      LedgerText text = call.text != nullptr ? *call.text : LedgerText(call.to_string());
      entry.calls.push_back({std::move(text), call.first, call.last});
    }
  }
  return entries;
}

void DrawLedger::import(const std::vector<LedgerEntry>& entries) {
  const std::scoped_lock lock(mutex_);
  ImportedHolders known;
  for (const LedgerEntry& entry : entries) {
    try {
      import_one(entry, known);
    } catch (const std::bad_alloc&) {
      ++forgotten_;
    }
  }
  for (const auto& [_, holder] : known) {
    if (holder == nullptr) continue;
    holder->alive = false;
    drop_if_gone(*holder);
  }
}

void DrawLedger::import_one(const LedgerEntry& entry, ImportedHolders& known) {
  Holder*& holder = known[{entry.identity, entry.holder, entry.kind}];
  if (holder == nullptr) {
    holder = &add_holder(std::make_unique<Holder>(Holder{
        .text = entry.holder, .identity = entry.identity, .kind = entry.kind, .imported = true}));
  }
  ++holder->jumps;  // ranges stay as they were taken, not merged across what lies between
  const Stream stream{algorithm_index(entry.algorithm.view()), entry.key};
  add(*holder, stream, entry.first, entry.last, nullptr);
  for (const LedgerCall& call : entry.calls) {
    const LedgerText* const kept = &*texts_.insert(call.text).first;
    for (auto range = first_meeting(stream, call.first, call.last); meets(range, stream, call.last);
         ++range) {
      if (range->second.holder != holder) continue;
      add_call(range->second, {.text = kept}, std::max(call.first, range->first.first),
               std::min(call.last, range->second.last));
    }
  }
}

}  // namespace counterpoint::inline v1
