// What each operation sends, as docs/scaling.md says: this program's MPI functions count, see
// counted_calls.h. Run under mpirun; COUNTERPOINT_EXPECTED_RANKS says on how many ranks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "counterpoint/checkpoint/checkpoint_manager.h"
#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/micro_batches.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "runtime/expect_error.h"
#include "strategy/counted_calls.h"

namespace counterpoint {
namespace {

using testing::IsEmpty;

const std::shared_ptr<Communicator>& world() {
  static const std::shared_ptr<Communicator> ranks = Communicator::world();
  return ranks;
}

// The one control call, whatever its occasion; see MpiOperation for many ranks.
Calls control(int times = 1) {
  const int ranks = world()->size();
  return Calls(static_cast<std::size_t>(ranks > 1 ? times : 0),
               ranks > 16 ? "allreduce 64" : "allgather 64");
}

class Messages : public testing::TestWithParam<int> {
 protected:
  int replicas() const { return GetParam(); }
  StrategyOptions options() const {
    return {.replicas_per_rank = replicas(), .timeout_seconds = 60};
  }
};

TEST(MessagesRanks, AreAsManyAsAsked) {
  const char* const expected = std::getenv("COUNTERPOINT_EXPECTED_RANKS");
  ASSERT_NE(expected, nullptr);
  EXPECT_EQ(world()->size(), std::atoi(expected));
}

TEST_P(Messages, OfMakingThings) {
  std::optional<MirroredStrategy> strategy;
  EXPECT_EQ(sent_by([&] { strategy.emplace(world(), options()); }),
            (Calls{"duplicate 0", "duplicate 0"} + control() + Calls{"broadcast 32"}));
  const auto scope = strategy->scope();
  EXPECT_THAT(sent_by([&] { (void)Generator::from_seed(1); }), IsEmpty());
  EXPECT_THAT(sent_by([&] { (void)Generator::from_non_deterministic_state(); }), IsEmpty());
  EXPECT_EQ(sent_by([&] { (void)strategy->variable<float>({100}); }),
            (control() + Calls{"broadcast 400"}));
}

TEST_P(Messages, OfRuns) {
  MirroredStrategy strategy(world(), options());
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1);
  auto weights = strategy.variable<float>({100});
  const Calls end = control();
  EXPECT_EQ(sent_by([&] { strategy.run([](ReplicaContext&) {}); }), end);
  // Draws, splits and assignments send nothing, however many there are.
  EXPECT_EQ(sent_by([&] {
              strategy.run([&](ReplicaContext&) {
                std::vector<float> values(100);
                for (int i = 0; i < 10; ++i) {
                  noise.fill_normal(values);
                  weights.assign_sub(values);
                  (void)noise.sharded().normal<float>({10, 3});
                  (void)noise.split(2);
                  auto own = Generator::from_seed(3);
                  (void)own.binomial<std::int32_t>({2}, 10, 0.5);
                }
              });
            }),
            end);
}

TEST_P(Messages, OfReductions) {
  MirroredStrategy strategy(world(), options());
  const std::int64_t ranks = world()->size();
  const auto all_reduce = [&](std::size_t floats) {
    return sent_by([&] {
      strategy.run([&](ReplicaContext& replica) {
        std::vector<float> values(floats);
        replica.all_reduce(values, Reduce::sum);
      });
    });
  };
  // Compared, moved; then the end of the run.
  const auto payload = [&](const Calls& calls) {
    return ranks == 1 ? Calls() : control() + calls + control();
  };
  EXPECT_EQ(all_reduce(16), payload({"allgather 64"}));
  EXPECT_EQ(all_reduce(4096), payload({"allgather 16384"}));
  // Beyond 16 KiB each of more than two ranks folds its share, a segment of a MiB at a time; two
  // ranks tell each other all, half a MiB at a time.
  const auto share = [&](std::int64_t floats) { return (floats + ranks - 1) / ranks * 4; };
  const auto shared = [&](std::int64_t floats) {
    return Calls{call_of("alltoall", share(floats)), call_of("allgather", share(floats))};
  };
  EXPECT_EQ(all_reduce(5000), payload(ranks == 2 ? Calls{"allgather 20000"} : shared(5000)));
  EXPECT_EQ(all_reduce(400'000), payload(ranks == 2 ? Calls{"allgather 524288", "allgather 524288",
                                                            "allgather 524288", "allgather 27136"}
                                                    : shared(262'144) + shared(137'856)));
  // A row for each of two nodes of the tree, as much again for its header: see docs/scaling.md.
  const Calls micro = sent_by([&] {
    strategy.run([&](ReplicaContext& replica) {
      const int n = replica.num_replicas_in_sync();
      const std::vector<double> rows(10);
      std::vector<double> reduced(10);
      all_reduce_micro_batches(replica, n, rows, reduced, Reduce::sum);
    });
  });
  const std::int64_t bytes = 88 * ranks * replicas();  // 8 + 80 a replica
  EXPECT_EQ(micro, payload({call_of(ranks > 16 ? "allreduce" : "allgather", bytes)}));
}

// By halves over the calls, whatever the number of ranks; then two ranks tell of their call.
TEST_P(Messages, OfNamingADifference) {
  if (world()->size() == 1) return;
  MirroredStrategy strategy(world(), options());
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1);
  const bool odd = world()->rank() == world()->size() - 1;
  const Calls sent = sent_by([&] {
    expect_error(ErrorCode::diverged, {"normal f32 [3]", "normal f32 [4]"}, [&] {
      strategy.run([&](ReplicaContext&) {
        for (int i = 0; i < 1000; ++i) (void)noise.normal<float>({odd && i == 500 ? 4 : 3});
      });
      strategy.check();
    });
  });
  std::ptrdiff_t reductions = 0;
  std::ptrdiff_t texts = 0;
  for (const std::string& call : sent) {
    if (call.starts_with("all")) {
      EXPECT_LE(bytes_of(call), 64) << call;
      ++reductions;
    } else {
      EXPECT_THAT(call, testing::StartsWith("broadcast "));
      EXPECT_LE(bytes_of(call), 2048) << call;
      texts += bytes_of(call) == 2048 ? 1 : 0;
    }
  }
  EXPECT_GE(reductions, 10) << "log2 of 1,000";
  EXPECT_LE(reductions, 30);
  EXPECT_EQ(texts, 2);
}

TEST_P(Messages, OutsideOfRuns) {
  MirroredStrategy strategy(world(), options());
  const auto ones = strategy.run([](ReplicaContext&) { return 1.0F; });
  strategy.check();  // what the run's end has posted is waited for
  EXPECT_EQ(sent_by([&] { strategy.check(); }), control());
  EXPECT_EQ(sent_by([&] { (void)strategy.reduce(Reduce::sum, ones); }),
            (control() + Calls{"allgather 4"}));
  EXPECT_EQ(sent_by([&] { (void)strategy.gather(ones); }),
            (control() +
             Calls{call_of("allgather", 8 * replicas()), call_of("allgather", 4 * replicas())}));
  EXPECT_EQ(sent_by([&] { (void)strategy.any(true); }),
            (control() + Calls{world()->size() > 16 ? "allreduce 4" : "allgather 4"}));
}

TEST_P(Messages, OfTurns) {
  MirroredStrategy strategy(world(), options());
  auto outside = Generator::from_seed(3, {.name = "outside"});
  const Calls turn = control() + Calls{call_of("allgather", 8 * (4 + replicas()))};
  EXPECT_EQ(sent_by([&] {
              strategy.run([&](ReplicaContext&) {
                (void)outside.normal<float>({});
                (void)outside.normal<float>({100});
              });
            }),
            (turn + turn + control()));
}

// What a checkpoint sends does not depend on how many ranks there are, and a save's not on its size.
TEST_P(Messages, OfCheckpoints) {
  MirroredStrategy strategy(world(), options());
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1);
  auto weights = strategy.variable<float>({100'000});
  // Jobs of other numbers of ranks may run beside this one.
  const std::filesystem::path folder =
      COUNTERPOINT_SCRATCH_DIR "/messages-" + std::to_string(world()->size());
  if (world()->rank() == 0) std::filesystem::remove_all(folder);
  world()->barrier();
  CheckpointManager checkpoints(world(), folder, {{"noise", noise}, {"weights", weights}});
  const auto costs = [](const Calls& calls, int* controls, std::int64_t* bytes) {
    *controls = 0;
    *bytes = 0;
    for (const std::string& call : calls) {
      if (call.starts_with("broadcast ")) {
        *bytes += bytes_of(call);
      } else {
        EXPECT_TRUE(call.starts_with("all") && bytes_of(call) <= 64) << call;
        ++*controls;
      }
    }
  };
  int controls = 0;
  std::int64_t bytes = 0;
  costs(sent_by([&] { checkpoints.save(1); }), &controls, &bytes);
  EXPECT_LE(controls, 10);
  EXPECT_LE(bytes, 1024);
  const auto file_bytes =
      static_cast<std::int64_t>(std::filesystem::file_size(folder / "checkpoint-00000001.h5"));
  costs(sent_by([&] { checkpoints.restore_latest(); }), &controls, &bytes);
  EXPECT_LE(controls, 12);
  EXPECT_LE(bytes, file_bytes + 1024);
  if (world()->size() > 1) {
    EXPECT_GE(bytes, 400'000) << "nothing was counted";
  }
}

INSTANTIATE_TEST_SUITE_P(Replicas, Messages, testing::Values(1, 2), [](const auto& test) {
  return std::string(test.param == 1 ? "x1" : "x2");
});

// Integers on many ranks are reduced by MPI: the bits of the definition all the same.
TEST(ManyRanks, ReduceIntegersAsFew) {
  const int ranks = world()->size();
  const auto check = [&]<class T>(T seed) {
    const auto value = [&](int rank) { return static_cast<T>(seed * static_cast<T>(rank + 1)); };
    using Unsigned = std::make_unsigned_t<T>;  // sums wrap
    Unsigned sum = 0;
    T least = value(0);
    T most = value(0);
    for (int rank = 0; rank < ranks; ++rank) {
      sum += static_cast<Unsigned>(value(rank));
      least = std::min(least, value(rank));
      most = std::max(most, value(rank));
    }
    std::vector<T> values(3, value(world()->rank()));
    world()->all_reduce(std::span(values), Reduce::sum);
    EXPECT_EQ(values, std::vector<T>(3, static_cast<T>(sum)));
    values.assign(300'000, value(world()->rank()));
    world()->all_reduce(std::span(values), Reduce::min);
    EXPECT_EQ(values, std::vector<T>(300'000, least));
    values.assign(3, value(world()->rank()));
    world()->all_reduce(std::span(values), Reduce::max);
    EXPECT_EQ(values, std::vector<T>(3, most));
    values.clear();
    world()->all_reduce(std::span(values), Reduce::max);
  };
  check(std::uint32_t{0x9e3779b9u});
  check(std::uint64_t{0x9e3779b97f4a7c15u});
  check(std::int32_t{-70'000'000});
  check(std::int64_t{-300'000'000'000'000'000});
}

}  // namespace
}  // namespace counterpoint

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  (void)counterpoint::world();
  const int failed = RUN_ALL_TESTS();
  const bool nothing_ran = testing::UnitTest::GetInstance()->successful_test_count() == 0;
  return failed != 0 || nothing_ran ? 1 : 0;
}
