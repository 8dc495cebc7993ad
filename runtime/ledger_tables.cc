#include "counterpoint/runtime/internal/ledger_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <map>
#include <string_view>
#include <utility>

#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1 {
namespace {

// Columns of the three tables.
constexpr std::int64_t kHolderColumns = 3;  // text, identity, kind
constexpr std::int64_t kRangeColumns = 8;   // algorithm's text, holder, key, first, last, calls
constexpr std::int64_t kCallColumns = 5;    // text, first, last
constexpr std::size_t kTextBytes = (std::size_t{1} << 20) - 64;
constexpr std::size_t kRangesOfMessages = 100;

using Words = std::vector<std::uint64_t>;

struct Tables {
  Words holders;
  Words ranges;
  Words calls;
  std::string texts;  // a line each
};

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
  std::uint64_t number(const std::string& text) {
    const auto [at, is_new] = numbers_.emplace(text, numbers_.size());
    full_ = full_ || lines_.size() + text.size() >= kTextBytes;
    if (is_new && !full_) {
      lines_ += text;
      std::replace(lines_.end() - static_cast<std::ptrdiff_t>(text.size()), lines_.end(), '\n',
                   ' ');
      lines_ += '\n';
    }
    return at->second;
  }
  std::string take() { return std::move(lines_); }

 private:
  std::map<std::string, std::uint64_t> numbers_;
  std::string lines_;
  bool full_ = false;
};

Tables tables_of(const std::vector<LedgerEntry>& entries) {
  Tables tables;
  Texts texts;
  // First: where texts are dropped, none of these may be.
  for (const LedgerEntry& entry : entries) texts.number(entry.algorithm);
  std::map<std::tuple<std::uint64_t, std::string, HolderKind>, std::uint64_t> holders;
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

[[noreturn]] void refuse(std::string_view what) {
  throw Error(ErrorCode::data_loss, fmt::format("holds a reuse ledger with {}", what));
}

std::vector<std::string> lines_of(std::string_view texts) {
  std::vector<std::string> lines;
  while (!texts.empty()) {
    const std::size_t end = std::min(texts.find('\n'), texts.size() - 1);
    lines.emplace_back(texts.substr(0, texts[end] == '\n' ? end : end + 1));
    texts.remove_prefix(end + 1);
  }
  return lines;
}

// Errors: data_loss.
std::vector<LedgerEntry> entries_of(const Tables& tables) {
  const std::vector<std::string> lines = lines_of(tables.texts);
  const auto text = [&](std::uint64_t number) {
    return number < lines.size() ? lines[number] : std::string("one whose name was not kept");
  };
  const auto row = [](const Words& table, std::int64_t columns, std::uint64_t number) {
    if (number >= table.size() / static_cast<std::size_t>(columns)) refuse("too few rows");
    return std::span(table).subspan(number * static_cast<std::size_t>(columns),
                                    static_cast<std::size_t>(columns));
  };
  std::vector<LedgerEntry> entries;
  std::uint64_t next_call = 0;
  for (std::size_t at = 0; at < tables.ranges.size(); at += kRangeColumns) {
    const std::span<const std::uint64_t> range =
        std::span(tables.ranges).subspan(at, kRangeColumns);
    const std::span<const std::uint64_t> holder = row(tables.holders, kHolderColumns, range[1]);
    if (holder[2] > static_cast<std::uint64_t>(HolderKind::shared_in_a_run)) refuse("another kind");
    LedgerEntry& entry =
        entries.emplace_back(LedgerEntry{.algorithm = text(range[0]),
                                         .key = range[2],
                                         .first = block_at(range, 3),
                                         .last = block_at(range, 5),
                                         .holder = text(holder[0]),
                                         .identity = holder[1],
                                         .kind = static_cast<HolderKind>(holder[2]),
                                         .calls = {}});
    if (entry.last < entry.first) refuse("a range that ends before it begins");
    for (std::uint64_t i = 0; i < range[7]; ++i) {
      const std::span<const std::uint64_t> call = row(tables.calls, kCallColumns, next_call++);
      entry.calls.push_back({text(call[0]), block_at(call, 1), block_at(call, 3)});
      if (entry.calls.back().last < entry.calls.back().first) refuse("a call that ends too early");
    }
  }
  return entries;
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

// One row of words a rank: the tables' sizes, then the tables.
Words packed(const Tables& tables) {
  Words words = {tables.holders.size(), tables.ranges.size(), tables.calls.size(),
                 tables.texts.size()};
  for (const Words* part : {&tables.holders, &tables.ranges, &tables.calls}) {
    words.insert(words.end(), part->begin(), part->end());
  }
  const std::size_t at = words.size();
  words.resize(at + (tables.texts.size() + 7) / 8);
  if (!tables.texts.empty()) {
    std::memcpy(words.data() + at, tables.texts.data(), tables.texts.size());
  }
  return words;
}

Tables unpacked(std::span<const std::uint64_t> words) {
  Tables tables;
  std::size_t at = 4;
  std::size_t part_number = 0;
  for (Words* const part : {&tables.holders, &tables.ranges, &tables.calls}) {
    const std::size_t size = words[part_number++];
    part->assign(words.begin() + static_cast<std::ptrdiff_t>(at),
                 words.begin() + static_cast<std::ptrdiff_t>(at + size));
    at += size;
  }
  tables.texts.assign(reinterpret_cast<const char*>(words.data() + at), words[3]);
  return tables;
}

std::string describe(const LedgerEntry& entry, std::size_t rank) {
  std::string calls;
  for (const LedgerCall& call : entry.calls) calls += (calls.empty() ? "" : " or ") + call.text;
  return fmt::format("{} in {} on rank {}", calls, entry.holder, rank);
}

// Two ranges of different ranks that meet, of which one is a replica's.
void find_meetings(const std::vector<std::vector<LedgerEntry>>& ranks,
                   std::vector<std::string>& meetings) {
  struct OfRank {
    const LedgerEntry* entry;
    std::size_t rank;
  };
  std::vector<OfRank> all;
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    for (const LedgerEntry& entry : ranks[rank]) all.push_back({&entry, rank});
  }
  const auto stream = [](const OfRank& a) { return std::tie(a.entry->algorithm, a.entry->key); };
  std::ranges::sort(all, [&](const OfRank& a, const OfRank& b) {
    return std::tuple(stream(a), a.entry->first, a.rank) <
           std::tuple(stream(b), b.entry->first, b.rank);
  });
  std::vector<OfRank> open;  // ranges of the stream that reach the present one
  for (const OfRank& now : all) {
    std::erase_if(open, [&](const OfRank& earlier) {
      return stream(earlier) != stream(now) || earlier.entry->last < now.entry->first;
    });
    for (const OfRank& earlier : open) {
      const bool of_a_replica =
          earlier.entry->kind == HolderKind::replica || now.entry->kind == HolderKind::replica;
      if (earlier.rank == now.rank || earlier.entry->identity == now.entry->identity ||
          !of_a_replica || meetings.size() == kRangesOfMessages) {
        continue;
      }
      meetings.push_back(fmt::format(
          "random numbers were taken on two ranks: by {}, and by {}, from the {} stream of key {}",
          describe(*earlier.entry, earlier.rank), describe(*now.entry, now.rank),
          now.entry->algorithm, now.entry->key));
    }
    open.push_back(now);
  }
}

// Ordered, and what one object took in a row as one range: the same whether or not it was restored from a
// checkpoint on the way.
std::vector<LedgerEntry> in_a_row(std::vector<LedgerEntry> entries) {
  const auto place = [](const LedgerEntry& e) { return std::tie(e.algorithm, e.key, e.first); };
  std::ranges::sort(entries, {}, place);
  std::vector<LedgerEntry> merged;
  for (LedgerEntry& entry : entries) {
    // Who reads this has replicas of its own.
    if (entry.kind == HolderKind::replica) entry.kind = HolderKind::plain;
    LedgerEntry* const last = merged.empty() ? nullptr : &merged.back();
    if (last == nullptr || last->algorithm != entry.algorithm || last->key != entry.key ||
        last->last + 1 != entry.first || last->identity != entry.identity ||
        last->kind != entry.kind || last->holder != entry.holder) {
      merged.push_back(std::move(entry));
      continue;
    }
    last->last = entry.last;
    for (const LedgerCall& call : entry.calls) {
      const auto known = std::ranges::find(last->calls, call.text, &LedgerCall::text);
      if (known == last->calls.end()) {
        last->calls.push_back(call);
      } else {
        known->first = std::min(known->first, call.first);
        known->last = std::max(known->last, call.last);
      }
    }
  }
  return merged;
}

}  // namespace

SavedObject saved_ledger(const std::vector<LedgerEntry>& entries) {
  Tables tables = tables_of(entries);
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

std::vector<LedgerEntry> gather_ledgers(Communicator& communicator,
                                        const std::vector<LedgerEntry>& own,
                                        std::vector<std::string>& meetings) {
  if (communicator.size() == 1) return in_a_row(own);
  const auto num_ranks = static_cast<std::size_t>(communicator.size());
  Words mine = packed(tables_of(own));
  std::array<std::uint64_t, 1> longest = {mine.size()};
  communicator.all_reduce<std::uint64_t>(longest, Reduce::max);
  mine.resize(longest[0]);
  Words gathered(longest[0] * num_ranks);
  communicator.all_gather<std::uint64_t>(mine, gathered);

  std::vector<std::vector<LedgerEntry>> ranks;
  DrawLedger all({.max_ranges = std::numeric_limits<std::size_t>::max()});
  for (std::size_t rank = 0; rank < num_ranks; ++rank) {
    ranks.push_back(
        entries_of(unpacked(std::span(gathered).subspan(rank * longest[0], longest[0]))));
    all.import(ranks.back());
  }
  find_meetings(ranks, meetings);
  return in_a_row(all.entries());
}

}  // namespace counterpoint::inline v1
