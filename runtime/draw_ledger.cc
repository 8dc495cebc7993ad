#include "counterpoint/runtime/internal/draw_ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1 {
namespace {

bool same_line(const std::source_location& a, const std::source_location& b) {
  return a.line() == b.line() && a.file_name() == b.file_name();
}

std::string to_text(BlockNumber block) {
  const auto high = static_cast<std::uint64_t>(block >> 64);
  const auto low = static_cast<std::uint64_t>(block);
  return high == 0 ? fmt::format("{}", low) : fmt::format("{} * 2^64 + {}", high, low);
}

}  // namespace

std::string DrawLedger::Call::to_string() const {
  if (text != nullptr) return std::string(text->view());
  return std::string(operation_name(operation)) + (separated ? "_separated at " : " at ") +
         location_to_string(location);
}

DrawLedger::Holder& DrawLedger::open(const StreamDefinition& definition, Holder holder) {
  const std::scoped_lock lock(mutex_);
  const BlockNumber all = ~BlockNumber{0};
  holder.algorithm = algorithm_index(definition.name);
  holder.last_block = definition.counter_words == 1 ? all >> 64 : all;
  return add_holder(std::make_unique<Holder>(std::move(holder)));
}

DrawLedger::Holder& DrawLedger::add_holder(std::unique_ptr<Holder> holder) {
  const std::pair key(holder->identity, static_cast<const Holder*>(holder.get()));
  return *holders_.emplace(key, std::move(holder)).first->second;
}

void DrawLedger::claim(Holder& holder, const Reservation& reserved, std::uint64_t blocks,
                       const CallRecord& record) {
  if (blocks == 0) return;
  const std::scoped_lock lock(mutex_);
  const Stream stream{holder.algorithm, reserved.key};
  const BlockNumber first = block_number(reserved.counter);
  const BlockNumber more = blocks - 1;  // after the first
  const Call call{.operation = record.operation,
                  .location = record.location,
                  .separated = record.operation == Operation::split && record.scalars[0] != 0};
  if (more > holder.last_block - first) {  // the counter wraps
    const BlockNumber last = more - (holder.last_block - first) - 1;
    check(holder, stream, first, holder.last_block, record);
    check(holder, stream, 0, last, record);
    add(holder, stream, first, holder.last_block, &call);
    add(holder, stream, 0, last, &call);
    return;
  }
  const BlockNumber last = first + more;
  if (extends_latest(holder, stream, first, last)) {
    extend(*holder.latest, first, last, &call);
    merge_with_next(*holder.latest);
    return;
  }
  check(holder, stream, first, last, record);
  add(holder, stream, first, last, &call);
}

void DrawLedger::jump(Holder& holder) {
  const std::scoped_lock lock(mutex_);
  ++holder.jumps;
}

std::vector<Reuse> DrawLedger::reuses() const {
  const std::scoped_lock lock(mutex_);
  return reuses_;
}

std::size_t DrawLedger::num_ranges() const {
  const std::scoped_lock lock(mutex_);
  return ranges_.size();
}

std::size_t DrawLedger::num_forgotten() const {
  const std::scoped_lock lock(mutex_);
  return forgotten_;
}

std::size_t DrawLedger::num_holders() const {
  const std::scoped_lock lock(mutex_);
  return holders_.size();
}

bool DrawLedger::equal_by_design(const Holder& a, const Holder& b) {
  return &a == &b || (a.kind == HolderKind::shared_in_a_run && b.kind == a.kind &&
                      a.identity == b.identity && a.run == b.run);
}

std::uint32_t DrawLedger::algorithm_index(std::string_view name) {
  const auto found = algorithm_numbers_.find(name);
  if (found != algorithm_numbers_.end()) return found->second;
  const auto index = static_cast<std::uint32_t>(algorithms_.size());
  algorithms_.emplace_back(name);
  algorithm_numbers_.emplace(name, index);
  return index;
}

bool DrawLedger::is_of(const Holder& holder, const Stream& stream,
                       const Ranges::value_type& range) {
  return range.first.stream == stream && range.second.holder == &holder;
}

bool DrawLedger::extends_latest(const Holder& holder, const Stream& stream, BlockNumber first,
                                BlockNumber last) const {
  if (!holder.latest) return false;
  const Range& range = (*holder.latest)->second;
  return is_of(holder, stream, **holder.latest) && range.last < first && range.last + 1 == first &&
         !meets(std::next(*holder.latest), stream, last);
}

DrawLedger::Ranges::iterator DrawLedger::first_meeting(const Stream& stream, BlockNumber first,
                                                       BlockNumber last) {
  const auto next = ranges_.upper_bound({stream, first});
  if (next != ranges_.begin()) {
    const auto before = std::prev(next);
    if (before->first.stream == stream && before->second.last >= first) return before;
  }
  return meets(next, stream, last) ? next : ranges_.end();
}

bool DrawLedger::meets(Ranges::const_iterator at, const Stream& stream, BlockNumber last) const {
  return at != ranges_.end() && at->first.stream == stream && at->first.first <= last;
}

void DrawLedger::check(const Holder& holder, const Stream& stream, BlockNumber first,
                       BlockNumber last, const CallRecord& record) {
  for (auto at = first_meeting(stream, first, last); meets(at, stream, last); ++at) {
    if (equal_by_design(holder, *at->second.holder)) continue;
    std::string key(holder.text.view());
    key += record.to_string();
    key += at->second.holder->text.view();
    for (const Call& call : at->second.calls) key += call.to_string();
    report_once(std::move(key), describe(*at, holder, first, last, record));
  }
}

void DrawLedger::report(std::string message) {
  const std::scoped_lock lock(mutex_);
  report_once(message, message);
}

void DrawLedger::report_once(std::string key, std::string message) {
  if (options_.on_reuse == ReuseAction::stop) throw Error(ErrorCode::failed_precondition, message);
  constexpr std::size_t kReuses = 1000;
  const auto known = reuse_numbers_.find(key);
  if (known != reuse_numbers_.end()) {
    ++reuses_[known->second].times;
  } else if (reuses_.size() < kReuses) {
    reuse_numbers_.emplace(std::move(key), reuses_.size());
    reuses_.push_back({.message = std::move(message)});
  }
}

std::string DrawLedger::describe(const Ranges::value_type& taken, const Holder& holder,
                                 BlockNumber first, BlockNumber last,
                                 const CallRecord& record) const {
  const auto& [at, range] = taken;
  const BlockNumber from = std::max(first, at.first);
  const BlockNumber to = std::min(last, range.last);
  std::string calls;
  for (const Call& call : range.calls) {
    if (call.last < from || call.first > to) continue;
    calls += (calls.empty() ? "" : " or ") + call.to_string();
  }
  return fmt::format(
      "{} in {} takes random numbers that were taken before, by {} in {}{}: blocks {} to {} of the "
      "{} "
      "stream of key {}; seed each generator with a list of its own, such as {{seed, 1}}, split "
      "one, or reset the one that is to repeat its numbers, also one that is made again after a "
      "restore: child.reset(child.state())",
      record.to_string(), holder.text.view(), calls.empty() ? "a line that was not kept" : calls,
      range.holder->text.view(), range.holder->imported ? " before a checkpoint" : "",
      to_text(from), to_text(to), algorithms_[at.stream.algorithm], at.stream.key);
}

// Records what no range has yet.
void DrawLedger::add(Holder& holder, const Stream& stream, BlockNumber first, BlockNumber last,
                     const Call* call) {
  while (true) {
    const auto taken = first_meeting(stream, first, last);
    if (taken == ranges_.end()) {
      add_piece(holder, stream, first, last, call);
      return;
    }
    // Copies, since a full ledger may forget `taken` for the piece before it.
    const BlockNumber taken_first = taken->first.first;
    const BlockNumber taken_last = taken->second.last;
    if (taken_first > first) add_piece(holder, stream, first, taken_first - 1, call);
    if (taken_last >= last) return;
    first = taken_last + 1;
  }
}

// A piece that no range meets. Replicas that take turns on a plain generator tell of it in any order, and
// replicas of other ranks draw in between: only what adjoins is merged there.
void DrawLedger::add_piece(Holder& holder, const Stream& stream, BlockNumber first,
                           BlockNumber last, const Call* call) {
  const auto next = ranges_.upper_bound({stream, first});
  const auto merges_with = [&](const Ranges::value_type& before) {
    const bool passed_the_gap =
        holder.kind != HolderKind::plain && before.second.jumps == holder.jumps;
    return is_of(holder, stream, before) && (before.second.last + 1 == first || passed_the_gap);
  };
  const bool merges = next != ranges_.begin() && merges_with(*std::prev(next));
  if (merges) {
    holder.latest = std::prev(next);
    extend(*holder.latest, first, last, call);
  } else {
    holder.latest = new_range(holder, {stream, first}, last, next);
    if (call != nullptr) add_call((*holder.latest)->second, *call, first, last);
  }
  merge_with_next(*holder.latest);
  if (ranges_.size() > options_.max_ranges) {
    ++forgotten_;
    const auto oldest = ranges_.find(ages_.front());
    Holder& its_holder = *oldest->second.holder;
    forget(oldest);
    if (&its_holder != &holder) drop_if_gone(its_holder);
  }
}

// In all three places or, where memory ends, in none.
DrawLedger::Ranges::iterator DrawLedger::new_range(Holder& holder, const RangeKey& key,
                                                   BlockNumber last, Ranges::iterator next) {
  std::list<RangeKey> age{key};
  const auto of_holder = holder.ranges.insert(key).first;
  try {
    const Range range{.last = last, .holder = &holder, .jumps = holder.jumps, .age = age.begin()};
    const auto added = ranges_.emplace_hint(next, key, range);
    ages_.splice(ages_.end(), age);
    return added;
  } catch (...) {
    holder.ranges.erase(of_holder);
    throw;
  }
}

void DrawLedger::extend(Ranges::iterator range, BlockNumber first, BlockNumber last,
                        const Call* call) {
  range->second.last = last;
  range->second.jumps = range->second.holder->jumps;
  ages_.splice(ages_.end(), ages_, range->second.age);
  if (call != nullptr) add_call(range->second, *call, first, last);
}

void DrawLedger::merge_with_next(Ranges::iterator range) {
  const auto next = std::next(range);
  if (next == ranges_.end() || range->second.last + 1 != next->first.first ||
      !is_of(*range->second.holder, range->first.stream, *next)) {
    return;
  }
  range->second.last = next->second.last;
  range->second.jumps = next->second.jumps;
  for (const Call& call : next->second.calls) add_call(range->second, call, call.first, call.last);
  forget(next);
}

void DrawLedger::add_call(Range& range, const Call& call, BlockNumber first, BlockNumber last) {
  for (Call& known : range.calls) {
    if (known.text == call.text && known.operation == call.operation &&
        same_line(known.location, call.location)) {
      known.first = std::min(known.first, first);
      known.last = std::max(known.last, last);
      return;
    }
  }
  if (range.calls.size() == kCallsOfRange) return;
  range.calls.push_back(call);
  range.calls.back().first = first;
  range.calls.back().last = last;
}

}  // namespace counterpoint::inline v1
