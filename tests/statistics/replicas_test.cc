// Thousands of streams beside each other: replicas, children of split, children of children, and
// families of streams against each other. 4,096 streams of 256 normals, both algorithms.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "counterpoint/counterpoint.h"
#include "statistics/p_values.h"
#include "statistics/streams.h"

namespace counterpoint::statistics {
namespace {

constexpr std::size_t kStreams = 4096;
constexpr std::size_t kLength = 256;

class ManyStreams : public testing::TestWithParam<Algorithm> {
 protected:
  Generator primary(std::int64_t seed) const { return Generator::from_seed(seed, GetParam()); }
  // One whose counter no replica's id reaches.
  Generator far_primary(std::int64_t key) const {
    const std::vector<std::int64_t> philox = {1, 2, key};
    const std::vector<std::int64_t> threefry = {std::int64_t{1} << 40, key};
    return Generator::from_state(GetParam() == Algorithm::philox ? philox : threefry,
                                 {.algorithm = GetParam()});
  }
};

void expect_independent(const Streams& streams) {
  const std::vector<Finding> findings = examine(streams);
  EXPECT_GE(findings.size(), 30u);
  for (const Finding& finding : findings) EXPECT_TRUE(plausible(finding.p)) << finding.what;
}

Streams drawn(std::vector<Generator>& generators) {
  Streams streams(generators.size(), kLength);
  for (std::size_t i = 0; i < generators.size(); ++i) generators[i].fill_normal(streams[i]);
  return streams;
}

Streams replicas_of(const Generator& primary, std::size_t count) {
  std::vector<Generator> replicas;
  for (std::size_t r = 0; r < count; ++r) {
    replicas.push_back(primary.for_replica(static_cast<std::int64_t>(r)));
  }
  return drawn(replicas);
}

TEST_P(ManyStreams, Replicas) { expect_independent(replicas_of(primary(1), kStreams)); }

// The same replica of many primary keys.
TEST_P(ManyStreams, OneReplicaOfManyKeys) {
  std::vector<Generator> replicas;
  for (std::size_t key = 0; key < kStreams; ++key) {
    std::vector<std::int64_t> state(GetParam() == Algorithm::philox ? 3 : 2);
    state.back() = static_cast<std::int64_t>(key);
    replicas.push_back(Generator::from_state(state, {.algorithm = GetParam()}).for_replica(3));
  }
  expect_independent(drawn(replicas));
}

TEST_P(ManyStreams, SiblingsOfASplit) {
  std::vector<Generator> children = primary(5).split(kStreams);
  expect_independent(drawn(children));
}

// The parent's draws before and after the split, and its replicas', beside its children.
TEST_P(ManyStreams, ChildrenAgainstTheirParent) {
  Generator parent = primary(6);
  Streams elders(1024, kLength);
  for (std::size_t i = 0; i < 512; ++i) parent.fill_normal(elders[i]);
  std::vector<Generator> children = parent.split(kStreams);
  for (std::size_t i = 512; i < 1024; ++i) parent.fill_normal(elders[i]);
  const Streams young = drawn(children);
  EXPECT_TRUE(plausible(largest_cross_correlation(elders, young).p));
  EXPECT_TRUE(plausible(largest_cross_correlation(replicas_of(parent, 1024), young).p));
}

// What split and replicas share in TensorFlow: a small seed is a counter, so the children of a split
// have the keys of the replicas of that number. Where the counter is far, they have not.
TEST_P(ManyStreams, ChildrenOfASmallSeedAreReplicas) {
  Generator near = primary(7);
  EXPECT_EQ(near.split(1)[0].key(), near.for_replica(7).key());
}

// 16 children with 16 children with 16 children each; no key twice in the whole tree.
TEST_P(ManyStreams, ThreeLevelsOfSplits) {
  std::vector<Generator> leaves;
  std::vector<std::int64_t> keys;
  const auto keep_keys = [&keys](const std::vector<Generator>& generators) {
    for (const Generator& generator : generators) keys.push_back(generator.key());
  };
  Generator root = far_primary(7);
  std::vector<Generator> first = root.split(16);
  keep_keys(first);
  for (Generator& child : first) {
    std::vector<Generator> second = child.split(16);
    keep_keys(second);
    for (Generator& grandchild : second) {
      std::vector<Generator> third = grandchild.split(16);
      keep_keys(third);
      for (Generator& leaf : third) leaves.push_back(std::move(leaf));
    }
  }
  ASSERT_EQ(leaves.size(), kStreams);
  for (std::int64_t r = 0; r < 10'000; ++r) keys.push_back(root.for_replica(r).key());
  EXPECT_EQ(keys.size(), 16u + 256 + 4096 + 10'000);
  std::ranges::sort(keys);
  EXPECT_TRUE(std::ranges::adjacent_find(keys) == keys.end()) << "two streams have the same key";
  expect_independent(drawn(leaves));
}

// Split in a strategy's run: children of every replica beside each other and the replicas' streams.
TEST_P(ManyStreams, ChildrenOfReplicas) {
  constexpr std::size_t kReplicas = 4;
  constexpr std::size_t kChildren = kStreams / kReplicas;
  MirroredStrategy strategy(Communicator::world(), {.replicas_per_rank = kReplicas});
  const auto scope = strategy.scope();
  Generator noise = primary(8);
  Streams children(kStreams, kLength);
  Streams replicas(1024, kLength);
  strategy.run([&](ReplicaContext& replica) {
    const auto r = static_cast<std::size_t>(replica.replica_id());
    std::vector<Generator> mine = noise.split(kChildren);
    for (std::size_t i = 0; i < kChildren; ++i) mine[i].fill_normal(children[r * kChildren + i]);
    for (std::size_t i = 0; i < 256; ++i) noise.fill_normal(replicas[r * 256 + i]);
  });
  expect_independent(children);
  expect_independent(replicas);
  EXPECT_TRUE(plausible(largest_cross_correlation(replicas, children).p));
}

INSTANTIATE_TEST_SUITE_P(Algorithms, ManyStreams,
                         testing::Values(Algorithm::philox, Algorithm::threefry),
                         [](const auto& test) {
                           return test.param == Algorithm::philox ? "philox" : "threefry";
                         });

}  // namespace
}  // namespace counterpoint::statistics
