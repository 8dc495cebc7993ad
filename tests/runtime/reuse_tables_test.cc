// Ledgers of draws as tables in a checkpoint, and as they meet between ranks.
#include <gtest/gtest.h>
#include <malloc.h>

#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "counterpoint/runtime/internal/draw_ledger.h"
#include "counterpoint/runtime/internal/ledger_gathering.h"
#include "counterpoint/runtime/internal/ledger_tables.h"
#include "counterpoint/runtime/thread_communicator.h"
#include "runtime/expect_error.h"

namespace counterpoint {
namespace {

LedgerEntry entry(std::uint64_t first, std::uint64_t last, std::uint64_t identity,
                  HolderKind kind = HolderKind::replica) {
  return {.algorithm = "philox",
          .key = 7,
          .first = first,
          .last = last,
          .holder = "generator " + std::to_string(identity),
          .identity = identity,
          .kind = kind,
          .calls = {{"normal at train.cc:12", first, last}}};
}

TEST(ReuseTables, KeepAlgorithmsWhereNamesAreTooManyAndTooLong) {
  std::vector<LedgerEntry> entries;
  for (std::uint64_t i = 0; i < 4000; ++i) {
    LedgerEntry& one = entries.emplace_back(entry(1000 * i, 1000 * i + 255, i));
    one.holder = std::string(1000, 'x') + std::to_string(i);
  }
  LedgerEntry threefry = entry(1, 2, 5000);
  threefry.algorithm = "threefry";
  entries.push_back(threefry);
  const std::vector<LedgerEntry> read = ledger_of(saved_ledger(entries));
  ASSERT_EQ(read.size(), entries.size());
  EXPECT_EQ(read.front().algorithm, "philox");
  EXPECT_EQ(read.front().holder, entries.front().holder);
  EXPECT_EQ(read.back().algorithm, "threefry");
  EXPECT_EQ(read.back().holder, "one whose name was not kept");
}

struct Gathered {
  std::vector<LedgerEntry> entries;
  std::vector<std::string> meetings;
};

Gathered gathered(const std::vector<LedgerEntry>& of_rank_0,
                  const std::vector<LedgerEntry>& of_rank_1) {
  const auto ranks = ThreadCommunicator::create(2);
  Gathered first;
  Gathered second;
  {
    const std::jthread other(
        [&] { second.entries = gather_ledgers(*ranks[1], of_rank_1, second.meetings); });
    first.entries = gather_ledgers(*ranks[0], of_rank_0, first.meetings);
  }
  EXPECT_EQ(first.meetings, second.meetings);
  EXPECT_EQ(first.entries.size(), second.entries.size());
  return first;
}

TEST(ReuseTables, MeetWhereAReplicasStreamIsAnothers) {
  EXPECT_EQ(gathered({entry(0, 9, 1)}, {entry(9, 12, 2)}).meetings.size(), 1u);
  EXPECT_EQ(gathered({entry(0, 9, 1, HolderKind::plain)}, {entry(5, 12, 2)}).meetings.size(), 1u);
  // Beside each other; of one object on both ranks; of nobody's stream on both.
  EXPECT_TRUE(gathered({entry(0, 9, 1)}, {entry(10, 12, 2)}).meetings.empty());
  EXPECT_TRUE(gathered({entry(0, 9, 1)}, {entry(5, 12, 1)}).meetings.empty());
  EXPECT_TRUE(gathered({entry(0, 9, 1, HolderKind::plain)}, {entry(5, 12, 2, HolderKind::plain)})
                  .meetings.empty());
}

TEST(ReuseTables, TellOfAHundredMeetings) {
  std::vector<LedgerEntry> of_rank_0;
  for (std::uint64_t i = 0; i < 101; ++i) of_rank_0.push_back(entry(10 * i, 10 * i + 9, 1));
  EXPECT_EQ(gathered(of_rank_0, {entry(0, 2000, 2)}).meetings.size(), 100u);
}

// Every rank's blocks are kept, each once: as the lowest rank's that has it.
TEST(ReuseTables, HoldTheUnionOfTheRanks) {
  const std::vector<LedgerEntry> all =
      gathered({entry(0, 9, 1, HolderKind::plain)}, {entry(5, 12, 2, HolderKind::plain)}).entries;
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].identity, 1u);
  EXPECT_TRUE(all[0].last == 9 && all[1].first == 10 && all[1].last == 12);
  EXPECT_EQ(all[1].identity, 2u);
}

// What an object passed and did not draw stays free, also of streams that replicas share.
TEST(ReuseTables, KeepGaps) {
  const HolderKind shared = HolderKind::shared;
  EXPECT_EQ(gathered({entry(0, 9, 1, shared), entry(20, 29, 1, shared)}, {}).entries.size(), 2u);
  EXPECT_EQ(gathered({entry(0, 9, 1, shared)}, {entry(10, 29, 1, shared)}).entries.size(), 1u);
}

// Ranges that adjoin are one where they are of one kind of one object.
TEST(ReuseTables, KeepObjectsApart) {
  LedgerEntry renamed = entry(10, 19, 1);
  renamed.holder = "generator 'noise'";
  EXPECT_EQ(gathered({entry(0, 9, 1), renamed}, {}).entries.size(), 2u);
  EXPECT_EQ(gathered({entry(0, 9, 1)}, {entry(10, 19, 1, HolderKind::shared)}).entries.size(), 2u);
  // A replica's stream is nobody's where it is read.
  const std::vector<LedgerEntry> read =
      gathered({entry(0, 9, 1)}, {entry(10, 19, 1, HolderKind::plain)}).entries;
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].kind, HolderKind::plain);
}

// A line is told of the blocks that its own object has.
TEST(ReuseTables, GiveLinesToTheirObjects) {
  LedgerEntry later = entry(5, 12, 2, HolderKind::plain);
  later.calls = {{"uniform at other.cc:3", 5, 12}};
  const std::vector<LedgerEntry> all =
      gathered({entry(0, 9, 1, HolderKind::plain)}, {later}).entries;
  ASSERT_EQ(all.size(), 2u);
  ASSERT_TRUE(all[0].calls.size() == 1 && all[1].calls.size() == 1);
  EXPECT_EQ(all[0].calls[0].text, "normal at train.cc:12");
  EXPECT_EQ(all[1].calls[0].text, "uniform at other.cc:3");
}

// Ledgers that somebody made who means harm: what they take goes with their own size.

using Words = std::vector<std::uint64_t>;

LedgerTables tables(const Words& ranges, const Words& calls, const std::string& texts) {
  return {.holders = {0, 5, 0}, .ranges = ranges, .calls = calls, .texts = texts};
}

// Blocks 10 i to 10 i + 5, with a call of all of it.
LedgerTables ranges_of_one_text(std::uint64_t count, const std::string& text) {
  Words ranges;
  Words calls;
  for (std::uint64_t i = 0; i < count; ++i) {
    ranges.insert(ranges.end(), {0, 0, 1, 10 * i, 0, 10 * i + 5, 0, 1});
    calls.insert(calls.end(), {0, 10 * i, 0, 10 * i + 5, 0});
  }
  return tables(ranges, calls, text);
}

TEST(HostileReuseTables, HaveEachTextInMemoryOnce) {
  const std::string huge((std::size_t{1} << 20) - 100, 'x');
  const std::vector<LedgerEntry> read = entries_of(ranges_of_one_text(1500, huge + "\n"));
  DrawLedger ledger({});
  ledger.import(read);
  const std::vector<LedgerEntry> given_away = ledger.entries();
  for (const auto& entries : {read, given_away}) {
    ASSERT_EQ(entries.size(), 1500u);
    EXPECT_EQ(entries.back().holder.view(), huge.substr(0, 4096));
    EXPECT_EQ(entries.back().holder.view().data(), entries.front().holder.view().data());
    ASSERT_TRUE(entries.front().calls.size() == 1 && entries.back().calls.size() == 1);
    EXPECT_EQ(entries.back().calls[0].text.view().data(),
              entries.front().calls[0].text.view().data());
  }
}

// A sanitizer's allocator does not count.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(HostileReuseTables, TakeMemoryByTheirOwnSize) {
  constexpr std::uint64_t kRanges = 10'000;
  const LedgerTables hostile = ranges_of_one_text(kRanges, std::string(1 << 20, 'x'));
  const std::size_t before = mallinfo2().uordblks;
  DrawLedger ledger({});
  ledger.import(entries_of(hostile));
  const LedgerTables saved = tables_of(ledger.entries());
  EXPECT_EQ(saved.ranges.size(), 8 * kRanges);
  EXPECT_LE(mallinfo2().uordblks - before, 1000 * kRanges);
}
#endif

TEST(HostileReuseTables, ThatMeetThemselvesAreRefused) {
  const auto expect_refused = [](const LedgerTables& hostile, const std::string& words) {
    expect_error(ErrorCode::data_loss, {words}, [&] { (void)entries_of(hostile); });
  };
  // Each would be looked for in all that came before it.
  expect_refused(tables({0, 0, 1, 0, 0, 9, 0, 0, 0, 0, 1, 20, 0, 29, 0, 0, 0, 0, 1, 9, 0, 11, 0, 0},
                        {}, "philox\n"),
                 "ranges that overlap");
  // The same algorithm by two numbers.
  expect_refused(tables({0, 0, 1, 0, 0, 9, 0, 0, 1, 0, 1, 9, 0, 9, 0, 0}, {}, "philox\nphilox\n"),
                 "ranges that overlap");
  EXPECT_NO_THROW((void)entries_of(
      tables({0, 0, 1, 0, 0, 9, 0, 0, 0, 0, 2, 0, 0, 9, 0, 0, 1, 0, 1, 0, 0, 9, 0, 0}, {},
             "philox\nthreefry\n")));
  // Likewise calls.
  expect_refused(tables({0, 0, 1, 10, 0, 19, 0, 1}, {0, 20, 0, 29, 0}, "philox\n"),
                 "a call outside of its range");
  expect_refused(tables({0, 0, 1, 10, 0, 19, 0, 1}, {0, 0, 0, 9, 0}, "philox\n"),
                 "a call outside of its range");
}

TEST(HostileReuseTables, TellOfEightCallsWithinTheirRange) {
  Words calls;
  std::string texts;
  const std::uint64_t all = std::numeric_limits<std::uint64_t>::max();
  for (std::uint64_t i = 0; i < 100; ++i) {
    calls.insert(calls.end(), {i, 0, 0, all, all});
    texts += "line " + std::to_string(i) + "\n";
  }
  const std::vector<LedgerEntry> read =
      entries_of(tables({0, 0, 1, 10, 0, 19, 0, 100}, calls, texts));
  ASSERT_EQ(read.size(), 1u);
  ASSERT_EQ(read[0].calls.size(), kCallsOfRange);
  for (const LedgerCall& call : read[0].calls) EXPECT_TRUE(call.first == 10 && call.last == 19);
}

// What was taken before splits a range: each part tells of what was drawn in it, so that it is read again.
TEST(ReuseTables, CutCallsToTheirPart) {
  DrawLedger ledger({});
  ledger.import({entry(5, 7, 1, HolderKind::plain)});
  ledger.import({entry(0, 12, 2, HolderKind::plain)});
  const std::vector<LedgerEntry> all = ledger.entries();
  ASSERT_EQ(all.size(), 3u);
  for (const LedgerEntry& one : all) {
    ASSERT_EQ(one.calls.size(), 1u);
    EXPECT_TRUE(one.calls[0].first == one.first && one.calls[0].last == one.last);
  }
  EXPECT_EQ(entries_of(tables_of(all)).size(), 3u);
}

TEST(ReuseTables, CutTextsAfterFourKiB) {
  LedgerEntry named = entry(0, 9, 1);
  named.holder = std::string(5000, 'n');
  const std::vector<LedgerEntry> read = entries_of(tables_of({named}));
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].holder, std::string(4096, 'n'));
}

}  // namespace
}  // namespace counterpoint
