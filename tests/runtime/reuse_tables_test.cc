// Ledgers of draws as tables in a checkpoint, and as they meet between ranks.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "counterpoint/runtime/internal/ledger_tables.h"
#include "counterpoint/runtime/thread_communicator.h"

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

}  // namespace
}  // namespace counterpoint
