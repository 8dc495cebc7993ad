// What the ledger of draws keeps and forgets: lines, ranges, reuses, objects that have gone.
#include <malloc.h>

#include <algorithm>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "counterpoint/runtime/internal/draw_ledger.h"
#include "counterpoint/runtime/reuse_detector.h"
#include "runtime/reuse_cases.h"

namespace counterpoint {
namespace {

TEST(ReuseLedger, MemoryIsFlatInALongRun) {
  const ReuseDetector detector;
  auto noise = Generator::from_seed({1, 2, 3});
  auto dropout = Generator::from_seed({1, 2, 4});
  for (std::int64_t step = 0; step < 100'000; ++step) {
    draw(noise, 1 + step % 3);
    (void)dropout();
    (void)dropout.uniform<double>({2});
  }
  EXPECT_EQ(detector.num_ranges(), 2u);
  EXPECT_EQ(detector.num_forgotten(), 0u);
}

TEST(ReuseLedger, NamesTheLineOfThePartThatMeets) {
  const ReuseDetector detector;
  auto a = Generator::from_seed({1, 2, 3});
  auto b = Generator::from_seed({1, 2, 3});
  std::vector<Location> lines(3);
  draw(a, 4, lines[0] = Location::current());
  draw(a, 4, lines[1] = Location::current());
  draw(a, 4, lines[2] = Location::current());
  b.skip(4);
  expect_reuse(b, 4, lines[1]);
  expect_reuse(b, 8, lines[1]);
  b.skip(4);
  expect_reuse(b, 1, lines[2]);
}

TEST(ReuseLedger, IsCollectedOnDemand) {
  const ReuseDetector detector({.on_reuse = ReuseAction::collect});
  auto a = Generator::from_seed({1, 2, 3});
  auto b = Generator::from_seed({1, 2, 3});
  draw(a, 4);
  for (int i = 0; i < 4; ++i) draw(b, 2);  // the last two are new
  ASSERT_EQ(detector.reuses().size(), 1u);
  EXPECT_EQ(detector.reuses()[0].times, 2);
  EXPECT_THAT(detector.reuses()[0].message, testing::HasSubstr("taken before"));
  a.reset_from_seed({1, 2, 3});
  a.skip(4);
  draw(a, 1);  // what b took first
  EXPECT_EQ(detector.reuses().size(), 2u);
}

TEST(ReuseLedger, IsWatchedForWhileADetectorLives) {
  auto before = Generator::from_seed({1, 2, 3});
  draw(before, 4);
  {
    const ReuseDetector detector;
    expect_error(ErrorCode::failed_precondition, {"lives already"},
                 [] { const ReuseDetector second; });
    auto g = Generator::from_seed({1, 2, 3});
    draw(g, 4);  // `before` is not watched
    EXPECT_EQ(detector.num_ranges(), 1u);
  }
  auto after = Generator::from_seed({1, 2, 3});
  draw(after, 4);
  const ReuseDetector detector;
  EXPECT_EQ(detector.num_ranges(), 0u);
}

TEST(ReuseLedger, ForgetsWhatWasLongestNotDrawn) {
  const ReuseDetector detector({.max_ranges = 4});
  auto training = Generator::from_seed({1, 2, 3});
  for (std::int64_t i = 0; i < 10; ++i) {
    draw(training, 1);
    auto g = Generator::from_seed({4, 5, i});
    draw(g, 1);
  }
  EXPECT_EQ(detector.num_ranges(), 4u);
  EXPECT_EQ(detector.num_forgotten(), 7u);
  auto forgotten = Generator::from_seed({4, 5, 0});
  draw(forgotten, 1);
  auto copy = Generator::from_seed({1, 2, 3});
  expect_error(ErrorCode::failed_precondition, {"taken before"}, [&] { draw(copy, 1); });
}

TEST(ReuseLedger, IsFoundAcrossThreads) {
  const ReuseDetector detector({.on_reuse = ReuseAction::collect});
  auto shared = Generator::from_seed({1, 2, 3});
  {
    std::vector<std::jthread> threads;
    for (std::int64_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        auto own = Generator::from_seed({4, 5, t % 3});  // one seed is there twice
        for (int i = 0; i < 500; ++i) {
          draw(shared, 2);
          draw(own, 2);
        }
      });
    }
  }
  std::int64_t times = 0;
  for (const Reuse& reuse : detector.reuses()) times += reuse.times;
  EXPECT_EQ(times, 500);
}

TEST(ReuseLedger, NamesSeparatedSplits) {
  const ReuseDetector detector;
  auto first = Generator::from_seed({1, 2, 3});
  auto copy = Generator::from_seed({1, 2, 3});
  (void)first.split_separated(2);
  expect_error(ErrorCode::failed_precondition,
               {"split_separated i64 [2] at", "by split_separated at"},
               [&] { (void)copy.split_separated(2); });
}

// Of a line whose draw was given back nothing is told.
TEST(ReuseLedger, ForgetsLinesWithTheirBlocks) {
  const ReuseDetector detector;
  auto a = Generator::from_seed({1, 2, 3});
  auto b = Generator::from_seed({1, 2, 3});
  std::vector<Location> lines(3);
  draw(a, 4, lines[0] = Location::current());
  draw(a, 4, lines[1] = Location::current());
  a.skip(-4);
  draw(a, 4, lines[2] = Location::current());
  try {
    draw(b, 8);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    const auto names = [&](const Location& line) {
      return error.message().find(location_to_string(line)) != std::string::npos;
    };
    EXPECT_TRUE(names(lines[0]) && !names(lines[1]) && names(lines[2])) << error.message();
  }
}

// The first 8 lines of a range are told.
TEST(ReuseLedger, KeepsEightLinesOfARange) {
  const ReuseDetector detector;
  auto a = Generator::from_seed({1, 2, 3});
  auto b = Generator::from_seed({1, 2, 3});
  draw(a, 1), draw(a, 1);
  draw(a, 1);
  draw(a, 1);
  draw(a, 1);
  draw(a, 1);
  draw(a, 1);
  draw(a, 1);
  const Location eighth = Location::current();
  const Location ninth = Location::current();
  draw(a, 1, eighth);
  draw(a, 1, ninth);
  b.skip(8);
  expect_reuse(b, 1, eighth);
  b.skip(1);
  expect_error(ErrorCode::failed_precondition, {"taken before, by a line that was not kept in"},
               [&] { draw(b, 1); });
}

TEST(ReuseLedger, KeepsAThousandReuses) {
  const ReuseDetector detector({.on_reuse = ReuseAction::collect});
  auto taken = Generator::from_seed({1, 2, 3});
  draw(taken, 1);
  for (int i = 0; i < 1003; ++i) {
    auto again = Generator::from_seed({1, 2, 3}, {.name = std::to_string(i)});
    draw(again, 1);
    ASSERT_EQ(detector.reuses().size(), static_cast<std::size_t>(std::min(i + 1, 1000)));
  }
  auto known = Generator::from_seed({1, 2, 3}, {.name = "999"});
  draw(known, 1);
  EXPECT_EQ(detector.reuses().size(), 1000u);
}

// An object that has gone is kept as long as its ranges.
TEST(ReuseLedger, ForgetsObjectsThatLeftNothing) {
  const ReuseDetector detector({.max_ranges = 4});
  const auto holders = [] { return DrawLedger::current()->num_holders(); };
  auto lives = Generator::from_seed({1, 2, 3});
  for (std::int64_t i = 0; i < 10; ++i) auto undrawn = Generator::from_seed({4, 5, i});
  EXPECT_EQ(holders(), 1u);
  {
    auto gone = Generator::from_seed({4, 5, 6}, {.name = "noise"});
    draw(gone, 1);
  }
  EXPECT_EQ(holders(), 2u);
  auto namesake = Generator::from_seed({4, 5, 6}, {.name = "noise"});
  namesake.reset(namesake.state());  // gives back what the other took
  EXPECT_EQ(holders(), 2u);
  for (std::int64_t i = 0; i < 10; ++i) {
    auto gone = Generator::from_seed({4, 6, i});
    draw(gone, 1);
  }
  EXPECT_EQ(detector.num_ranges(), 4u);
  EXPECT_EQ(holders(), 2u + 4u);
  const std::vector<LedgerEntry> all = DrawLedger::current()->entries();
  DrawLedger::current()->import(all);  // nothing that is not there
  EXPECT_EQ(holders(), 2u + 4u);
}

// What reuse_detector.h says of memory. A sanitizer's allocator does not count.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
template <class DrawOne>
double bytes_a_range(DrawOne draw_one) {
  constexpr std::int64_t kRanges = 4000;
  const ReuseDetector detector;
  draw_one(-1);
  const std::size_t before = mallinfo2().uordblks;
  for (std::int64_t i = 0; i < kRanges; ++i) draw_one(i);
  EXPECT_EQ(detector.num_ranges(), static_cast<std::size_t>(kRanges + 1));
  return static_cast<double>(mallinfo2().uordblks - before) / static_cast<double>(kRanges);
}

TEST(ReuseLedger, TakesTheMemoryThatItsHeaderSays) {
  std::optional<Generator> many;
  const double of_one_object = bytes_a_range([&](std::int64_t i) {
    if (i < 0) many = Generator::from_seed({1, 2, 3});
    draw(*many, 1);
    many->skip(1);
  });
  EXPECT_GT(of_one_object, 300);
  EXPECT_LE(of_one_object, 390);
  const double of_objects_each = bytes_a_range([](std::int64_t i) {
    auto g = Generator::from_seed({4, 5, i});
    draw(g, 1);
  });
  EXPECT_GT(of_objects_each, 600);
  EXPECT_LE(of_objects_each, 760);
  std::optional<Generator> from_lines;
  const double of_eight_lines = bytes_a_range([&](std::int64_t i) {
    if (i < 0) from_lines = Generator::from_seed({1, 2, 3});
    draw(*from_lines, 1), draw(*from_lines, 1);
    draw(*from_lines, 1);
    draw(*from_lines, 1);
    draw(*from_lines, 1);
    draw(*from_lines, 1);
    draw(*from_lines, 1);
    draw(*from_lines, 1);
    draw(*from_lines, 1);
    from_lines->skip(1);
  });
  EXPECT_GT(of_eight_lines, of_one_object + 400);
  EXPECT_LE(of_eight_lines, of_one_object + 580);
}
#endif

}  // namespace
}  // namespace counterpoint
