// Numbers that a process uses twice are found, with both lines; what was reset or restored on purpose is
// not. What the ledger of draws keeps: reuse_ledger_test.cc.
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "counterpoint/runtime/reuse_detector.h"
#include "counterpoint/runtime/stateless.h"
#include "runtime/reuse_cases.h"

namespace counterpoint {
namespace {

void restore(Generator& g, const SavedObject& saved) { g.saveable()->prepare(saved)->commit(); }

TEST(Reuse, OfOneSeed) {
  const ReuseDetector detector;
  auto a = Generator::from_seed({1, 2, 3});
  auto b = Generator::from_seed({1, 2, 3});
  const Location first = Location::current();
  draw(a, 10, first);
  expect_reuse(b, 2, first);
  expect_reuse(b, 20, first);
  b.skip(10);
  const Location second = Location::current();
  draw(b, 2, second);  // beyond what a took
  expect_reuse(a, 2, second);
}

TEST(Reuse, OfSmallIntegerSeeds) {
  const ReuseDetector detector;
  auto a = Generator::from_seed(1);
  auto b = Generator::from_seed(257);
  const Location first = Location::current();
  draw(a, 3, first);
  expect_error(ErrorCode::failed_precondition,
               {"blocks 257 to 768 of the philox stream of key 0", "{seed, 1}"},
               [&] { draw(b, 3); });
  expect_reuse(b, 1, first);
}

// One element a draw: the first of each is apart.
TEST(Reuse, OfStreamsThatMeetLater) {
  const ReuseDetector detector;
  auto a = Generator::from_seed(1);
  auto b = Generator::from_seed(257);
  draw(a, 1);
  const Location first = Location::current();
  draw(b, 1, first);
  expect_reuse(a, 1, first);
}

TEST(Reuse, OfReplicasThatAddTheirNumberToACounter) {
  const ReuseDetector detector;
  const Location first = Location::current();
  auto replica_0 = Generator::from_key_counter(7, std::array<std::int64_t, 2>{100, 0});
  draw(replica_0, 1, first);
  for (std::int64_t replica = 1; replica < 8; ++replica) {
    auto g = Generator::from_key_counter(7, std::array<std::int64_t, 2>{100 + replica, 0});
    expect_reuse(g, 1, first);
  }
}

TEST(Reuse, OfCopiesAndKeptStates) {
  const ReuseDetector detector;
  auto a = Generator::from_seed({5, 6});
  draw(a, 4);
  auto copy = Generator::copy_of(a);
  auto kept = Generator::from_state(a.state());
  const Location first = Location::current();
  draw(a, 4, first);
  expect_reuse(copy, 4, first);
  expect_reuse(kept, 1, first);
  auto view = a.for_replica(3);  // another key than a's own
  auto same_view = a.for_replica(3);
  draw(view, 4, first);
  expect_reuse(same_view, 4, first);
}

TEST(Reuse, OfAStateRestoredIntoTwoObjects) {
  const ReuseDetector detector;
  auto a = Generator::from_seed({5, 6});
  const SavedObject saved = a.saveable()->save();
  auto b = Generator::from_seed(0);
  auto c = Generator::from_seed(1);
  restore(b, saved);
  restore(c, saved);
  const Location first = Location::current();
  draw(b, 4, first);
  expect_reuse(c, 4, first);
  expect_reuse(a, 4, first);
}

TEST(Reuse, OfAnOldStateInAProcessThatDrewPastIt) {
  const ReuseDetector detector;
  auto a = Generator::from_seed({5, 6});
  const SavedObject saved = a.saveable()->save();
  const Location first = Location::current();
  draw(a, 4, first);
  auto b = Generator::from_seed(0);
  restore(b, saved);
  expect_reuse(b, 4, first);
}

TEST(Reuse, OfAStreamThatWraps) {
  const ReuseDetector detector;
  auto a = Generator::from_key_counter(3, std::array<std::int64_t, 1>{-256},
                                       {.algorithm = Algorithm::threefry});
  auto b = Generator::from_key_counter(3, std::array<std::int64_t, 1>{255},
                                       {.algorithm = Algorithm::threefry});
  const Location first = Location::current();
  draw(a, 2, first);  // the last 256 blocks of the counter and its first
  expect_reuse(b, 1, first);
  auto c = Generator::from_key_counter(3, std::array<std::int64_t, 2>{255, 0});
  draw(c, 1);  // of another algorithm
  auto wraps_too = Generator::from_key_counter(3, std::array<std::int64_t, 1>{-512},
                                               {.algorithm = Algorithm::threefry});
  draw(wraps_too, 1);
  a.reset(std::array<std::int64_t, 2>{-256, 3});
  EXPECT_NO_THROW(draw(a, 2));  // also over what it took beyond block 0
}

// Onto blocks that another took beyond block 0.
TEST(Reuse, IsFoundPastAWrap) {
  const ReuseDetector detector;
  auto a = Generator::from_key_counter(3, std::array<std::int64_t, 1>{100},
                                       {.algorithm = Algorithm::threefry});
  auto b = Generator::from_key_counter(3, std::array<std::int64_t, 1>{-256},
                                       {.algorithm = Algorithm::threefry});
  const Location first = Location::current();
  draw(a, 1, first);
  expect_reuse(b, 2, first);
}

TEST(Reuse, OfARandomBitGeneratorNamesItsLines) {
  const ReuseDetector detector;
  auto a = Generator::from_seed(1);
  auto b = Generator::from_seed(1);
  // On one line, which is then that of the draw.
  const auto drawn_at = [&] { return std::pair((void(a()), 0), Location::current()).second; };
  const Location first = drawn_at();
  expect_error(
      ErrorCode::failed_precondition,
      {"at reuse_test.cc", "taken before, by uniform_full_int at " + location_to_string(first)},
      [&] { (void)b(); });
}

// As in TensorFlow, an empty binomial takes blocks.
TEST(Reuse, OfEmptyBinomials) {
  const ReuseDetector detector;
  auto a = Generator::from_seed(1);
  auto b = Generator::from_seed(1);
  (void)a.binomial<int>({0}, 10, 0.5);
  expect_error(ErrorCode::failed_precondition, {"by binomial at"},
               [&] { (void)b.binomial<int>({0}, 10, 0.5); });
}

// A counter of one word goes back over block 0; one of two words goes on by 2^64 - 768 blocks, as
// TensorFlow's does.
TEST(Reuse, IsNoneOfWhatWasGivenBackOverBlock0) {
  const ReuseDetector detector;
  auto a = Generator::from_key_counter(3, std::array<std::int64_t, 1>{0},
                                       {.algorithm = Algorithm::threefry});
  auto b = Generator::copy_of(a);
  draw(a, 10);
  a.skip(-20);
  draw(a, 20);
  const Location again = Location::current();
  a.skip(-5);
  draw(a, 5, again);
  b.skip(5);
  expect_reuse(b, 5, again);
  b.skip(-20);  // before all of them
  draw(b, 5);
  const Location taken = Location::current();
  a.skip(-30);
  draw(a, 5, taken);
  a.skip(10);
  b.skip(-10);
  expect_reuse(b, 20, taken);
}

TEST(Reuse, OfAnObjectThatLostACarryIsNotGivenBack) {
  const ReuseDetector detector;
  auto a = Generator::from_key_counter(3, std::array<std::int64_t, 2>{0, 0});
  auto b = Generator::copy_of(a);
  const Location first = Location::current();
  draw(a, 10, first);
  a.skip(-20);
  EXPECT_EQ(a.state().item<std::int64_t>(0), -10 * 256);
  draw(a, 20);
  expect_reuse(b, 1, first);
}

TEST(Reuse, IsNoneWhereAnObjectWasResetOnPurpose) {
  const ReuseDetector detector;
  auto a = Generator::from_seed({1, 2, 3});
  const SavedObject saved = a.saveable()->save();
  draw(a, 10);
  a.reset_from_seed({1, 2, 3});
  draw(a, 10);
  a.reset(std::array<std::int64_t, 3>{1, 2, 3});
  draw(a, 10);
  restore(a, saved);
  draw(a, 10);
  a.skip(-5);
  draw(a, 5);
  // What it has not given back is still taken, and by it.
  auto b = Generator::from_seed({1, 2, 3});
  const Location now = Location::current();
  expect_error(ErrorCode::failed_precondition, {"taken before"}, [&] { draw(b, 10, now); });
  a.skip(-5);
  b.skip(5);
  draw(b, 5);
}

TEST(Reuse, OfOthersIsFoundAfterAReset) {
  const ReuseDetector detector;
  auto a = Generator::from_seed({1, 2, 3});
  auto b = Generator::from_seed({4, 5, 6});
  const Location first = Location::current();
  draw(a, 10, first);
  b.reset_from_seed({1, 2, 3});
  expect_reuse(b, 1, first);
}

// A program that recovers from a checkpoint makes its objects anew, under the same names.
TEST(Reuse, IsNoneWhereAGoneObjectIsRestoredUnderItsName) {
  const ReuseDetector detector;
  SavedObject saved;
  for (int life = 0; life < 3; ++life) {
    auto noise = Generator::from_seed({1, 2, 3}, {.name = "noise"});
    if (life != 0) restore(noise, saved);
    draw(noise, 4);
    if (life == 0) saved = noise.saveable()->save();
    draw(noise, 4);
  }
  auto other = Generator::from_seed({1, 2, 3}, {.name = "other"});
  expect_error(ErrorCode::failed_precondition, {"generator 'noise'"}, [&] { draw(other, 8); });
}

TEST(Reuse, OfAGoneObjectIsFound) {
  const ReuseDetector detector;
  const Location first = Location::current();
  {
    auto gone = Generator::from_seed({1, 2, 3});
    draw(gone, 4, first);
  }
  auto b = Generator::from_seed({1, 2, 3});
  expect_reuse(b, 4, first);
}

TEST(Reuse, IsNoneOfStatelessFunctionsAndEmptyDraws) {
  const ReuseDetector detector;
  for (int i = 0; i < 2; ++i) {
    (void)stateless_normal<float>({4}, {1, 2});
    auto g = Generator::from_seed(1);
    draw(g, 0);
  }
  EXPECT_EQ(detector.num_ranges(), 0u);
}

TEST(Reuse, IsNoneInATreeOfChildren) {
  const ReuseDetector detector;
  auto root = Generator::from_seed({1, 2, 3});
  for (Generator& child : root.split(10)) {
    draw(child, 10);
    for (Generator& grandchild : child.split(10)) draw(grandchild, 10);
  }
  draw(root, 10);
  EXPECT_EQ(detector.num_ranges(), 111u);
}

// Children made again after their parent went back, as after a restore: what they repeat is reported,
// unless they are reset where they are made.
TEST(Reuse, OfChildrenMadeAgainEndsWithAReset) {
  const ReuseDetector detector;
  auto parent = Generator::from_seed({1, 2, 3});
  const Tensor saved = parent.state();
  const auto lost_step = [&](bool with_reset) {
    std::vector<Generator> children = parent.split(2);
    for (Generator& child : children) {
      if (with_reset) child.reset(child.state());
      draw(child, 10);
    }
  };
  lost_step(false);
  parent.reset(saved);
  expect_error(ErrorCode::failed_precondition, {"child.reset(child.state())"},
               [&] { lost_step(false); });
  parent.reset(saved);
  lost_step(true);
}

}  // namespace
}  // namespace counterpoint
