#include "counterpoint/runtime/internal/ledger_gathering.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <span>
#include <tuple>
#include <utility>

#include "counterpoint/runtime/internal/draw_ledger.h"
#include "counterpoint/runtime/internal/ledger_tables.h"

namespace counterpoint::inline v1 {
namespace {

constexpr std::size_t kRangesOfMessages = 100;

using Words = std::vector<std::uint64_t>;

// One row of words a rank: the tables' sizes, then the tables.
Words packed(const LedgerTables& tables) {
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

LedgerTables unpacked(std::span<const std::uint64_t> words) {
  LedgerTables tables;
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
  for (const LedgerCall& call : entry.calls) {
    calls += calls.empty() ? "" : " or ";
    calls += call.text.view();
  }
  return fmt::format("{} in {} on rank {}", calls, entry.holder.view(), rank);
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
          now.entry->algorithm.view(), now.entry->key));
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
        if (last->calls.size() < kCallsOfRange) last->calls.push_back(call);
      } else {
        known->first = std::min(known->first, call.first);
        known->last = std::max(known->last, call.last);
      }
    }
  }
  return merged;
}

}  // namespace

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
