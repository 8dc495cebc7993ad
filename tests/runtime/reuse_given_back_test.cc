// What a reset, a restore and a skip backwards give back: what the object took of that stream from there on,
// and nothing else.
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "counterpoint/runtime/internal/draw_ledger.h"
#include "counterpoint/runtime/reuse_detector.h"
#include "runtime/reuse_cases.h"

namespace counterpoint {
namespace {

Generator at_block(std::int64_t key, std::int64_t block) {
  return Generator::from_key_counter(key, std::array<std::int64_t, 2>{block, 0});
}

TEST(ReuseGivenBack, IsNotWhatLiesElsewhere) {
  using Move = std::function<void(Generator&)>;
  const std::vector<Move> moves = {
      [](Generator& g) {
        g.reset_from_seed({7, 8, 9});
      },
      [](Generator& g) { g.reset(g.state()); },
      [](Generator& g) {
        g.reset_from_key_counter(3, std::array<std::int64_t, 2>{1'000'000, 0});
      },
      [](Generator& g) {
        g.reset_from_key_counter(4, std::array<std::int64_t, 2>{0, 0});
        draw(g, 5);
        g.skip(-5);
      },
      [](Generator& g) {
        auto other = Generator::from_seed({7, 8, 9});
        g.saveable()->prepare(other.saveable()->save())->commit();
      },
  };
  for (const Move& move : moves) {
    const ReuseDetector detector;
    auto a = at_block(3, 0);
    const Location first = Location::current();
    draw(a, 10, first);
    move(a);
    auto b = at_block(3, 0);
    expect_reuse(b, 10, first);
  }
}

// A line that makes many objects does not make them one.
TEST(ReuseGivenBack, IsNotWhatAnotherObjectOfTheLineTook) {
  const auto made = [](std::int64_t block) { return at_block(3, block); };
  const ReuseDetector detector;
  const Location first = Location::current();
  {
    auto gone = made(5000);
    draw(gone, 10, first);
  }
  auto other = made(0);
  other.reset(other.state());
  auto b = at_block(3, 5000);
  expect_reuse(b, 10, first);
  auto again = made(5000);  // as the one that has gone
  again.reset(again.state());
  draw(again, 10);
}

// A restored object is the one that was saved, whatever it was made with.
TEST(ReuseGivenBack, InARestoreIsWhatTheLineTookFromThereOn) {
  const ReuseDetector detector;
  SavedObject saved;
  const auto life = [&](std::int64_t block) {
    auto g = at_block(3, block);
    if (block == 0) {
      draw(g, 4);
      saved = g.saveable()->save();
    } else {
      g.saveable()->prepare(saved)->commit();
    }
    draw(g, 4);
  };
  for (const std::int64_t block : {0, 100'000, 200'000}) life(block);
  auto b = at_block(3, 0);
  expect_error(ErrorCode::failed_precondition, {"taken before"}, [&] { draw(b, 4); });
}

// Against a ledger of single blocks, by what reuse_detector.h promises.
TEST(ReuseGivenBack, IsFoundExactlyWhereBlocksMeet) {
  using Place = std::pair<std::int64_t, std::int64_t>;  // key, block
  struct Object {
    Place made_at;
    bool lives = true;
  };
  std::mt19937 random(7);  // NOLINT: a fixed seed
  const auto below = [&](std::int64_t n) { return static_cast<std::int64_t>(random() % n); };
  int reuses = 0;
  int forgiven = 0;  // blocks of objects that had gone
  for (int trial = 0; trial < 40; ++trial) {
    const ReuseDetector detector;
    std::vector<Object> objects;
    std::vector<std::size_t> numbers;
    std::vector<Generator> generators;
    const auto make = [&] {
      objects.push_back({.made_at = {below(2), 1000 * below(3)}});
      numbers.push_back(objects.size() - 1);
      return at_block(objects.back().made_at.first, objects.back().made_at.second);
    };
    for (int i = 0; i < 4; ++i) generators.push_back(make());
    std::map<Place, std::size_t> taken;  // by which object
    for (int step = 0; step < 80; ++step) {
      const auto which = static_cast<std::size_t>(below(4));
      Generator& g = generators[which];
      const Tensor state = g.state();
      const std::int64_t from = state.item<std::int64_t>(0);
      const std::int64_t key = state.item<std::int64_t>(2);
      if (below(10) == 0) {
        objects[numbers[which]].lives = false;
        g = make();
        numbers[which] = numbers.back();
        numbers.pop_back();
        continue;
      }
      if (below(8) == 0) {
        const bool as_made = below(2) == 0;
        const Object& own = objects[numbers[which]];
        const Place to = as_made ? own.made_at : Place{below(2), below(40'000)};
        std::erase_if(taken, [&](const auto& block) {
          const Object& taker = objects[block.second];
          const bool gone_alike = !taker.lives && taker.made_at == own.made_at;
          const bool given = block.first.first == to.first && block.first.second >= to.second &&
                             (block.second == numbers[which] || gone_alike);
          forgiven += given && gone_alike ? 1 : 0;
          return given;
        });
        g.reset(std::array<std::int64_t, 3>{to.second, 0, to.first});
        continue;
      }
      const std::int64_t count = below(4);
      if (below(4) == 0) {
        g.skip(count);
        continue;
      }
      bool expected = false;
      for (std::int64_t block = from; block < from + 256 * count; ++block) {
        expected = expected || taken.contains({key, block});
      }
      try {
        draw(g, count);
        ASSERT_FALSE(expected) << "trial " << trial << ", step " << step;
        for (std::int64_t block = from; block < from + 256 * count; ++block) {
          taken.emplace(Place{key, block}, numbers[which]);
        }
      } catch (const Error&) {
        ASSERT_TRUE(expected) << "trial " << trial << ", step " << step;
        ++reuses;
        g.skip(count);
      }
    }
  }
  EXPECT_GT(reuses, 100);
  EXPECT_GT(forgiven, 1000);
}

// ---- claims as stores make them ----

constexpr CallRecord kRecord{.operation = Operation::normal};

std::unique_ptr<BlockClaims> claims(std::string name, HolderKind kind) {
  return BlockClaims::if_watched(stream_definition(Algorithm::philox), {},
                                 StreamOrigin{.name = std::move(name)}, {.kind = kind});
}

void take(BlockClaims& claims, std::uint64_t first, std::uint64_t blocks) {
  claims.claim({.key = 7, .counter = {first, 0}}, blocks, kRecord);
}

void jump(BlockClaims& claims) {
  constexpr std::array<std::int64_t, 1> one = {1};
  claims.claim({.key = 7}, 256, {.operation = Operation::skip, .shape = one});
}

// Two objects of one name are two.
TEST(ReuseClaims, OfSharedStreamsAreEqualInOneObject) {
  const ReuseDetector detector;
  const auto a = claims("noise", HolderKind::shared);
  const auto b = claims("noise", HolderKind::shared);
  take(*a, 0, 10);
  EXPECT_NO_THROW(take(*a, 0, 10));
  expect_error(ErrorCode::failed_precondition, {"taken before"}, [&] { take(*b, 0, 10); });
}

// What a range's object skipped behind it stays free, also where the range was taken before the one that it
// adjoins.
TEST(ReuseClaims, KeepAGapBehindWhatWasTakenFirst) {
  const ReuseDetector detector;
  const auto a = claims("noise", HolderKind::shared);
  take(*a, 10, 10);
  jump(*a);
  take(*a, 0, 10);
  EXPECT_EQ(detector.num_ranges(), 1u);
  take(*a, 30, 10);
  EXPECT_EQ(detector.num_ranges(), 2u);
  const auto b = claims("other", HolderKind::plain);
  EXPECT_NO_THROW(take(*b, 20, 10));
}

// A reset passes nothing: what lies before the new place was not drawn.
TEST(ReuseClaims, KeepAGapBehindAReset) {
  const ReuseDetector detector;
  const auto a = claims("noise", HolderKind::shared);
  take(*a, 0, 10);
  a->rewind({.key = 7, .counter = {30, 0}}, Operation::reset);
  take(*a, 30, 10);
  const auto b = claims("other", HolderKind::plain);
  EXPECT_NO_THROW(take(*b, 10, 20));
}

}  // namespace
}  // namespace counterpoint
