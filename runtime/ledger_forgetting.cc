// What a ledger forgets: blocks that were given back, and objects that have gone and left none.
#include <algorithm>

#include "counterpoint/runtime/internal/draw_ledger.h"

namespace counterpoint::inline v1 {

void DrawLedger::close(Holder& holder) {
  const std::scoped_lock lock(mutex_);
  holder.alive = false;
  drop_if_gone(holder);
}

void DrawLedger::rewind_to(Holder& holder, const Reservation& at, BlockNumber to) {
  const std::scoped_lock lock(mutex_);
  const Stream stream{holder.algorithm, at.key};
  const BlockNumber before = block_number(at.counter);
  if (to <= before) {
    forget_from(holder, stream, to);
    return;
  }
  ++holder.jumps;
  // Two words, whose addition lost its carry: on, by nearly 2^64 blocks.
  if (holder.last_block >> 64 != 0) return;
  forget_from(holder, stream, to);
  forget_before(holder, stream, before);
}

void DrawLedger::rewind(Holder& holder, const Reservation& to, Operation operation) {
  const std::scoped_lock lock(mutex_);
  const Stream stream{holder.algorithm, to.key};
  const BlockNumber from = block_number(to.counter);
  ++holder.jumps;
  forget_from(holder, stream, from);
  for (auto at = holders_.lower_bound({holder.identity, nullptr});
       at != holders_.end() && at->first.first == holder.identity;) {
    Holder& same = *(at++)->second;  // may be dropped
    // A line that makes many objects is one identity. A restore says that the object is the one that was
    // saved; a reset does not, and an imported object's first state is not known.
    const bool made_alike =
        operation == Operation::restore || same.imported || same.made_with == holder.made_with;
    if (same.alive || !made_alike) continue;
    forget_from(same, stream, from);
    drop_if_gone(same);
  }
}

void DrawLedger::forget(Ranges::iterator range) {
  Holder& holder = *range->second.holder;
  if (holder.latest == range) holder.latest.reset();
  holder.ranges.erase(range->first);
  ages_.erase(range->second.age);
  ranges_.erase(range);
}

void DrawLedger::forget_from(Holder& holder, const Stream& stream, BlockNumber from) {
  auto at = holder.ranges.lower_bound({stream, from});
  if (at != holder.ranges.begin() && std::prev(at)->stream == stream) {
    Range& before = ranges_.find(*std::prev(at))->second;
    if (before.last >= from) {
      before.last = from - 1;
      std::erase_if(before.calls, [&](const Call& call) { return call.first >= from; });
      for (Call& call : before.calls) call.last = std::min(call.last, before.last);
    }
  }
  while (at != holder.ranges.end() && at->stream == stream) {
    forget(ranges_.find(*at++));
  }
}

void DrawLedger::forget_before(Holder& holder, const Stream& stream, BlockNumber end) {
  for (auto at = holder.ranges.lower_bound({stream, 0});
       at != holder.ranges.end() && at->stream == stream && at->first < end;) {
    forget(ranges_.find(*at++));
  }
}

void DrawLedger::drop_if_gone(Holder& holder) {
  if (holder.alive || !holder.ranges.empty()) return;
  holders_.erase({holder.identity, &holder});
}

}  // namespace counterpoint::inline v1
