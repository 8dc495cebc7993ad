// Children in a key domain of their own: the known answers of an independent oracle, and that no stream
// of a family meets another's.
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "counterpoint/runtime/reuse_detector.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "runtime/reuse_cases.h"

namespace counterpoint {
namespace {

using Words = std::vector<std::int64_t>;

Words state(const Generator& g) {
  const Tensor tensor = g.state();
  const auto span = tensor.values<std::int64_t>();
  return {span.begin(), span.end()};
}

std::vector<Words> states(const std::vector<Generator>& generators) {
  std::vector<Words> words;
  for (const Generator& g : generators) words.push_back(state(g));
  return words;
}

TEST(SplitSeparated, GivesTheOraclesKeys) {
  std::ifstream file(std::string(COUNTERPOINT_SOURCE_DIR) +
                     "/tests/golden_beyond/split_separated.json");
  const auto cases = nlohmann::json::parse(file).at("cases");
  ASSERT_EQ(cases.size(), 40u);
  MirroredStrategy strategy({.replicas_per_rank = 4});
  int in_replicas = 0;
  for (const auto& known : cases) {
    SCOPED_TRACE(known.dump());
    const auto count = known.at("count").get<std::int64_t>();
    const GeneratorOptions options{.algorithm = known.at("algorithm").get<std::string>()};
    const auto check = [&](std::vector<Generator> children) {
      EXPECT_EQ(states(children), known.at("children").get<std::vector<Words>>());
      EXPECT_EQ(states(children[0].split_separated(2)),
                known.at("grandchildren").get<std::vector<Words>>());
    };
    if (known.at("replica").is_null()) {
      auto g = Generator::from_state(known.at("state").get<Words>(), options);
      check(g.split_separated(count));
      EXPECT_EQ(state(g), known.at("after").get<Words>());
      continue;
    }
    const auto scope = strategy.scope();
    auto g = Generator::from_state(known.at("state").get<Words>(), options);
    strategy.run([&](ReplicaContext& replica) {
      std::vector<Generator> children = g.split_separated(count);
      if (replica.replica_id() == known.at("replica")) check(std::move(children));
    });
    EXPECT_EQ(state(g), known.at("after").get<Words>());
    ++in_replicas;
  }
  EXPECT_EQ(in_replicas, 20);
}

// Keys of a parent, of its replicas' streams, of children and of grandchildren, by both ways: all
// different, where `split` alone gives a child the key of replica 1.
TEST(SplitSeparated, KeysOfAFamilyDiffer) {
  for (const Algorithm algorithm : {Algorithm::philox, Algorithm::threefry}) {
    constexpr std::int64_t kMany = 100'000;
    auto parent = Generator::from_seed(1, algorithm);
    const StreamDefinition& definition = parent.definition();
    std::set<std::uint64_t> keys = {0};
    std::size_t made = 1;
    for (std::uint64_t replica = 0; replica < kMany; ++replica, ++made) {
      keys.insert(definition.derive_key(0, replica));
    }
    EXPECT_TRUE(keys.contains(
        static_cast<std::uint64_t>(Generator::from_seed(1, algorithm).split(1)[0].key())));
    const auto add = [&](const std::vector<Generator>& generators) {
      for (const Generator& g : generators) keys.insert(static_cast<std::uint64_t>(g.key()));
      made += generators.size();
    };
    std::vector<Generator> children = parent.split_separated(kMany);
    add(children);
    for (std::size_t i = 0; i < 100; ++i) {
      const auto child = static_cast<std::uint64_t>(children[i].key());
      for (std::uint64_t replica = 0; replica < 100; ++replica, ++made) {
        keys.insert(definition.derive_key(child, replica));
      }
      add(children[i].split_separated(100));
      add(children[i].split(100));
    }
    EXPECT_EQ(keys.size(), made);
  }
}

TEST(SplitSeparated, MovesTheParentLikeSplit) {
  auto a = Generator::from_seed({1, 2, 3});
  auto b = Generator::from_seed({1, 2, 3});
  EXPECT_EQ(a.split_separated(3).size(), 3u);
  (void)b.split(3);
  EXPECT_EQ(state(a), state(b));
  EXPECT_TRUE(a.split_separated(0).empty());
  EXPECT_EQ(state(a), state(b));
  expect_error(ErrorCode::invalid_argument, {"split_separated", "-1"},
               [&] { (void)a.split_separated(-1); });
}

// docs/streams.md section 5: split's child 0 is on the stream of replica 1, which the detector finds.
TEST(SplitSeparated, ChildrenMeetNoReplicasStream) {
  for (const bool separated : {false, true}) {
    const ReuseDetector detector;
    MirroredStrategy strategy({.replicas_per_rank = 2});
    const auto scope = strategy.scope();
    auto g = Generator::from_seed(1);
    std::vector<Generator> children = separated ? g.split_separated(2) : g.split(2);
    const Location in_run = Location::current();
    strategy.run([&](ReplicaContext&) { draw(g, 10, in_run); });
    draw(children[1], 10);
    if (separated) {
      draw(children[0], 10);
    } else {
      expect_reuse(children[0], 10, in_run);
    }
  }
}

}  // namespace
}  // namespace counterpoint
