// Replicas that take turns on a generator made outside draw the same numbers, whatever each is late
// by: 1,000 runs with random delays give one output.
#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <thread>
#include <vector>

#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "endurance/splits.h"

namespace counterpoint {
namespace {

using Numbers = std::vector<float>;

constexpr int rounds = 4;

// Most often nothing, else up to a fifth of a millisecond: working, asleep, or giving way.
void delay(std::mt19937_64& random) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 200);
  switch (random() % 6) {
    case 0:
      std::this_thread::sleep_until(until);
      return;
    case 1:
      while (std::chrono::steady_clock::now() < until) {
      }
      return;
    case 2:
      std::this_thread::yield();
      return;
    default:
      return;
  }
}

// What replica `r` draws in round `k`. Agreed turns: amounts differ, and some replicas leave before
// others. Turns assumed to be equal are equal.
bool draws(Turns turns, int r, int k) {
  return turns == Turns::assumed_equal || k < rounds - r % 2;
}
std::int64_t elements(Turns turns, int r, int k) {
  return turns == Turns::assumed_equal ? 2 + k : 1 + (3 * r + k) % 5;
}

void draw(Generator& generator, Turns turns, int r, int k, Numbers& numbers) {
  if (!draws(turns, r, k)) return;
  const Tensor drawn = generator.normal<float>({elements(turns, r, k)});
  const auto values = drawn.values<float>();
  numbers.insert(numbers.end(), values.begin(), values.end());
}

Generator made_outside() { return Generator::from_seed({7, 9}, {.name = "shared"}); }

// The numbers of every replica, from one generator in one thread: round by round, replica 0 first.
std::vector<Numbers> one_by_one(Turns turns, int replicas, std::vector<std::int64_t>& end) {
  std::vector<Numbers> all(static_cast<std::size_t>(replicas));
  Generator alone = made_outside();
  for (int k = 0; k < rounds; ++k) {
    for (int r = 0; r < replicas; ++r) {
      draw(alone, turns, r, k, all[static_cast<std::size_t>(r)]);
    }
  }
  const Tensor state = alone.state();
  const auto words = state.values<std::int64_t>();
  end.assign(words.begin(), words.end());
  return all;
}

class RandomDelays : public testing::TestWithParam<Split> {
 protected:
  void give_one_output(Turns turns);
};

void RandomDelays::give_one_output(Turns turns) {
  const Split split = GetParam();
  const int runs = times(1000);
  on_every_rank(split, [&](const World& world) {
    MirroredStrategy strategy(
        world,
        {.replicas_per_rank = split.replicas_per_rank, .timeout_seconds = 60, .turns = turns});
    std::vector<std::int64_t> end;
    const std::vector<Numbers> wanted = one_by_one(turns, strategy.num_replicas_in_sync(), end);
    std::mt19937_64 of_rank(seed() + 1000 * static_cast<std::uint64_t>(world->rank()));
    int wrong = 0;
    for (int run = 0; run < runs; ++run) {
      Generator shared = made_outside();
      delay(of_rank);
      const auto drawn = strategy.run([&](ReplicaContext& replica) {
        const int r = replica.replica_id();
        std::mt19937_64 random(seed() + static_cast<std::uint64_t>(run * 1009 + r));
        Numbers numbers;
        for (int k = 0; k < rounds; ++k) {
          delay(random);
          draw(shared, turns, r, k, numbers);
        }
        delay(random);
        return numbers;
      });
      for (std::size_t i = 0; i < drawn.size(); ++i) {
        wrong += drawn[i] != wanted[static_cast<std::size_t>(drawn.replica_id(i))] ? 1 : 0;
      }
      const Tensor state = shared.state();
      const auto words = state.values<std::int64_t>();
      wrong += std::vector(words.begin(), words.end()) != end ? 1 : 0;
    }
    EXPECT_EQ(wrong, 0) << "of " << runs << " runs on rank " << world->rank() << ", seed "
                        << seed();
  });
}

TEST_P(RandomDelays, GiveOneOutput) { give_one_output(Turns::agreed); }
TEST_P(RandomDelays, GiveOneOutputWhereTurnsAreAssumedEqual) {
  give_one_output(Turns::assumed_equal);
}

INSTANTIATE_TEST_SUITE_P(Splits, RandomDelays, testing::ValuesIn(splits()), split_name);

// The negative control: with these delays, replicas that take no turns do not draw alike. A lock
// alone keeps draws apart, but not in order.
TEST(RandomDelaysControl, WithoutTurnsOutputsDiffer) {
  constexpr int replicas = 4;
  std::vector<std::int64_t> end;
  const std::vector<Numbers> wanted = one_by_one(Turns::agreed, replicas, end);
  int differing = 0;
  for (int run = 0; run < 100; ++run) {
    Generator shared = made_outside();
    std::vector<Numbers> drawn(replicas);
    {
      std::vector<std::jthread> threads;
      for (int r = 0; r < replicas; ++r) {
        threads.emplace_back([&, r] {
          std::mt19937_64 random(seed() + static_cast<std::uint64_t>(run * 1009 + r));
          for (int k = 0; k < rounds; ++k) {
            delay(random);
            draw(shared, Turns::agreed, r, k, drawn[static_cast<std::size_t>(r)]);
          }
        });
      }
    }
    differing += drawn != wanted ? 1 : 0;
  }
  EXPECT_GT(differing, 0);
}

}  // namespace
}  // namespace counterpoint
