#include "counterpoint/runtime/internal/ledger_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1 {
namespace {

// Columns of the three tables.
constexpr std::int64_t kHolderColumns = 3;  // text, identity, kind
constexpr std::int64_t kRangeColumns = 8;   // algorithm's text, holder, key, first, last, calls
constexpr std::int64_t kCallColumns = 5;    // text, first, last
constexpr std::size_t kBytesOfTexts = (std::size_t{1} << 20) - 64;
constexpr std::size_t kBytesOfText = 4096;

using Words = std::vector<std::uint64_t>;

void append(Words& words, BlockNumber block) {
  words.push_back(static_cast<std::uint64_t>(block));
  words.push_back(static_cast<std::uint64_t>(block >> 64));
}

BlockNumber block_at(std::span<const std::uint64_t> words, std::size_t at) {
  return BlockNumber{words[at + 1]} << 64 | words[at];
}

// Lines of text, each once, numbered.
class Texts {
 public:
  std::uint64_t number(const LedgerText& text) {
    const auto [at, is_new] = numbers_.emplace(text, numbers_.size());
    const std::string_view line = text.view().substr(0, kBytesOfText);
    full_ = full_ || lines_.size() + line.size() >= kBytesOfTexts;
    if (is_new && !full_) {
      lines_ += line;
      std::replace(lines_.end() - static_cast<std::ptrdiff_t>(line.size()), lines_.end(), '\n',
                   ' ');
      lines_ += '\n';
    }
    return at->second;
  }
  std::string take() { return std::move(lines_); }

 private:
  std::map<LedgerText, std::uint64_t> numbers_;
  std::string lines_;
  bool full_ = false;
};

[[noreturn]] void refuse(std::string_view what) {
  throw Error(ErrorCode::data_loss, fmt::format("holds a reuse ledger with {}", what));
}

// The texts by number, each made when it is first named.
class NumberedTexts {
 public:
  explicit NumberedTexts(std::string_view texts) {
    while (!texts.empty()) {
      const std::size_t end = std::min(texts.find('\n'), texts.size());
      lines_.push_back(texts.substr(0, std::min(end, kBytesOfText)));
      texts.remove_prefix(std::min(end + 1, texts.size()));
    }
  }

  const LedgerText& at(std::uint64_t number) {
    if (number >= lines_.size()) return dropped_;
    const auto known = texts_.find(number);
    if (known != texts_.end()) return known->second;
    return texts_.emplace(number, LedgerText(lines_[number])).first->second;
  }

 private:
  std::vector<std::string_view> lines_;
  std::map<std::uint64_t, LedgerText> texts_;
  LedgerText dropped_ = "one whose name was not kept";
};

// Row `number` of a table. Errors: data_loss.
std::span<const std::uint64_t> row(const Words& table, std::int64_t columns, std::uint64_t number) {
  const auto width = static_cast<std::size_t>(columns);
  if (number >= table.size() / width) refuse("too few rows");
  return std::span(table).subspan(number * width, width);
}

// A line may have drawn beyond the range, where others had blocks of it before. Errors: data_loss.
void add_call(LedgerEntry& entry, const LedgerText& text, BlockNumber first, BlockNumber last) {
  if (last < first) refuse("a call that ends too early");
  if (last < entry.first || entry.last < first) refuse("a call outside of its range");
  if (entry.calls.size() == kCallsOfRange) return;
  entry.calls.push_back({text, std::max(first, entry.first), std::min(last, entry.last)});
}

// Errors: data_loss.
void require_apart(const std::vector<LedgerEntry>& entries) {
  const auto place = [](const LedgerEntry* e) { return std::tie(e->algorithm, e->key, e->first); };
  std::vector<const LedgerEntry*> in_order;
  for (const LedgerEntry& entry : entries) in_order.push_back(&entry);
  std::ranges::sort(in_order, {}, place);
  const auto overlap = [](const LedgerEntry* a, const LedgerEntry* b) {
    return a->algorithm == b->algorithm && a->key == b->key && b->first <= a->last;
  };
  if (std::ranges::adjacent_find(in_order, overlap) != in_order.end()) {
    refuse("ranges that overlap");
  }
}

Tensor table(const Words& words, std::int64_t columns) {
  return Tensor::from<std::uint64_t>(words,
                                     {static_cast<std::int64_t>(words.size()) / columns, columns});
}

Words words_of(const SavedObject& saved, const char* name, std::int64_t columns) {
  const auto found = saved.values.find(name);
  if (found == saved.values.end() || found->second.dtype() != DType::u64 ||
      found->second.shape().size() != 2 || found->second.shape()[1] != columns) {
    refuse(fmt::format("no table '{}'", name));
  }
  const std::span<const std::uint64_t> words = found->second.values<std::uint64_t>();
  return {words.begin(), words.end()};
}

}  // namespace

LedgerTables tables_of(const std::vector<LedgerEntry>& entries) {
  LedgerTables tables;
  Texts texts;
  // First: where texts are dropped, none of these may be.
  for (const LedgerEntry& entry : entries) texts.number(entry.algorithm);
  std::map<std::tuple<std::uint64_t, LedgerText, HolderKind>, std::uint64_t> holders;
  for (const LedgerEntry& entry : entries) {
    const auto [holder, is_new] =
        holders.emplace(std::tuple(entry.identity, entry.holder, entry.kind), holders.size());
    if (is_new) {
      tables.holders.insert(tables.holders.end(), {texts.number(entry.holder), entry.identity,
                                                   static_cast<std::uint64_t>(entry.kind)});
    }
    tables.ranges.insert(tables.ranges.end(),
                         {texts.number(entry.algorithm), holder->second, entry.key});
    append(tables.ranges, entry.first);
    append(tables.ranges, entry.last);
    tables.ranges.push_back(entry.calls.size());
    for (const LedgerCall& call : entry.calls) {
      tables.calls.push_back(texts.number(call.text));
      append(tables.calls, call.first);
      append(tables.calls, call.last);
    }
  }
  tables.texts = texts.take();
  return tables;
}

std::vector<LedgerEntry> entries_of(const LedgerTables& tables) {
  NumberedTexts texts(tables.texts);
  std::vector<LedgerEntry> entries;
  std::uint64_t next_call = 0;
  for (std::size_t at = 0; at < tables.ranges.size(); at += kRangeColumns) {
    const std::span<const std::uint64_t> range =
        std::span(tables.ranges).subspan(at, kRangeColumns);
    const std::span<const std::uint64_t> holder = row(tables.holders, kHolderColumns, range[1]);
    if (holder[2] > static_cast<std::uint64_t>(HolderKind::shared_in_a_run)) refuse("another kind");
    LedgerEntry& entry =
        entries.emplace_back(LedgerEntry{.algorithm = texts.at(range[0]),
                                         .key = range[2],
                                         .first = block_at(range, 3),
                                         .last = block_at(range, 5),
                                         .holder = texts.at(holder[0]),
                                         .identity = holder[1],
                                         .kind = static_cast<HolderKind>(holder[2]),
                                         .calls = {}});
    if (entry.last < entry.first) refuse("a range that ends before it begins");
    for (std::uint64_t i = 0; i < range[7]; ++i) {
      const std::span<const std::uint64_t> call = row(tables.calls, kCallColumns, next_call++);
      add_call(entry, texts.at(call[0]), block_at(call, 1), block_at(call, 3));
    }
  }
  require_apart(entries);
  return entries;
}

SavedObject saved_ledger(const std::vector<LedgerEntry>& entries) {
  LedgerTables tables = tables_of(entries);
  return {.type = "reuse_ledger",
          .attributes = {{"texts", std::move(tables.texts)}},
          .values = {{"holders", table(tables.holders, kHolderColumns)},
                     {"ranges", table(tables.ranges, kRangeColumns)},
                     {"calls", table(tables.calls, kCallColumns)}},
          .members = {}};
}

std::vector<LedgerEntry> ledger_of(const SavedObject& saved) {
  const auto texts = saved.attributes.find("texts");
  const std::string* const lines =
      texts == saved.attributes.end() ? nullptr : std::get_if<std::string>(&texts->second);
  if (saved.type != "reuse_ledger" || lines == nullptr) refuse("no texts");
  return entries_of({.holders = words_of(saved, "holders", kHolderColumns),
                     .ranges = words_of(saved, "ranges", kRangeColumns),
                     .calls = words_of(saved, "calls", kCallColumns),
                     .texts = *lines});
}

}  // namespace counterpoint::inline v1
