// What errors tell of replicas that differ: no more and no less than is known.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <cmath>
#include <string>
#include <vector>

#include "counterpoint/runtime/generator.h"
#include "counterpoint/runtime/saveable.h"
#include "counterpoint/strategy/internal/last_calls.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "runtime/expect_error.h"
#include "runtime/own_folder.h"
#include "strategy/thread_ranks.h"

namespace counterpoint {
namespace {

using testing::HasSubstr;
using testing::Not;

StrategyOptions quiet(int replicas_per_rank = 1) {
  return {.replicas_per_rank = replicas_per_rank, .timeout_seconds = 60, .last_calls_folder = ""};
}

// What a call throws that finds a difference.
template <class Call>
std::string difference_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::diverged) << error.what();
    return error.message();
  }
  return "nothing was thrown";
}

TEST(Told, ThatCallsWereTheSameWhereStatesDiffer) {
  for (const bool same_calls : {true, false}) {
    StrategyOptions options = quiet(2);
    options.on_divergence = OnDivergence::stop_at_saves;
    MirroredStrategy strategy(options);
    auto weights = strategy.variable<float>({2}, "weights");
    strategy.run([&](ReplicaContext& replica) {
      weights.assign(std::vector<float>(2, static_cast<float>(replica.replica_id())));
      if (!same_calls && replica.replica_id() == 1) weights.assign(std::vector<float>(2, 3.0F));
    });
    const std::string told = difference_of([&] { weights.saveable()->ensure_in_step(); });
    EXPECT_THAT(told, HasSubstr(same_calls ? "yet they made the same calls"
                                           : "the first calls that differ: "));
    EXPECT_THAT(told, Not(HasSubstr(same_calls ? "first calls" : "same calls")));
  }
}

// One of the two logs alone has forgotten where they part.
TEST(Told, ThatOneLogHasForgottenTheCall) {
  const auto draw = [](Generator& noise, bool odd) {
    for (int i = 0; i < (odd ? 100 : 3000); ++i) (void)noise.normal<float>({});
  };
  on_thread_ranks(3, [&](const auto& world) {
    MirroredStrategy strategy(world, quiet());
    const auto scope = strategy.scope();
    auto noise = Generator::from_seed(1);
    strategy.run([&](ReplicaContext&) { draw(noise, world->rank() == 2); });
    EXPECT_THAT(
        difference_of([&] { strategy.check(); }),
        HasSubstr(
            "replica 0 and replica 2 differ in run 0 or before, since one of the calls 0 to 101"));
  });
  MirroredStrategy strategy(quiet(2));
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1);
  EXPECT_THAT(
      difference_of([&] {
        strategy.run([&](ReplicaContext& replica) { draw(noise, replica.replica_id() == 1); });
      }),
      HasSubstr(
          "replica 0 and replica 1 differ in run 0 or before, since one of the calls 0 to 101"));
}

// Also to the rank whose guard failed, which no call of it could throw.
TEST(Told, WhyAGuardLeftAndWhereTheLastCallsAre) {
  const OwnFolder folder;
  on_thread_ranks(2, [&](const auto& world) {
    MirroredStrategy strategy(
        world, {.timeout_seconds = 60, .last_calls_folder = std::string(folder.path())});
    const bool fails = world->rank() == 1;
    {
      auto replica = strategy.enter_replica();
      if (fails) replica.fail("the data set is gone");
    }
    expect_error(
        fails ? ErrorCode::failed_precondition : ErrorCode::aborted,
        {"the data set is gone", "the last calls of rank " + std::to_string(world->rank()) +
                                     " are in " + std::string(folder.path())},
        [&] { strategy.check(); });
  });
}

TEST(Told, TheBitsOfValuesThatAreNoNumbers) {
  MirroredStrategy strategy(quiet(2));
  auto weights = strategy.variable<double>({1}, "weights");
  strategy.run([&](ReplicaContext& replica) {
    weights.assign(std::vector<double>{std::nan(replica.replica_id() == 0 ? "1" : "2")});
  });
  EXPECT_THAT(difference_of([&] { weights.saveable()->ensure_in_step(); }),
              testing::ContainsRegex("nan .bits 0x7ff8000000000001. in element 0; .*nan .bits "
                                     "0x7ff8000000000002. in element 0"));
}

// Of the first two ranks that differ, whatever a third holds.
TEST(Told, AnElementThatDiffersBetweenTheRanksThatAreNamed) {
  on_thread_ranks(3, [](const auto& world) {
    MirroredStrategy strategy(world, quiet());
    auto weights = strategy.variable<float>({1000}, "weights");
    strategy.run([&](ReplicaContext& replica) {
      std::vector<float> values(1000, 0.5F);
      if (replica.rank() == 1) values[700] = 0.25F;
      if (replica.rank() == 2) values[3] = 0.125F;
      weights.assign(values);
    });
    EXPECT_THAT(
        difference_of([&] { weights.saveable()->ensure_in_step(); }),
        HasSubstr("replica 0 on rank 0 has 0.5 in element 700; replica 1 on rank 1 has 0.25 "
                  "in element 700"));
  });
}

// Lines that differed in a run whose calls were found alike say nothing of a later difference.
TEST(Told, NothingOfRunsThatWereCompared) {
  on_thread_ranks(2, [](const auto& world) {
    MirroredStrategy strategy(world, quiet());
    const auto scope = strategy.scope();
    auto noise = Generator::from_seed(1);
    const bool odd = world->rank() == 1;
    strategy.run([&](ReplicaContext&) {
      if (odd) {
        (void)noise.normal<float>({});
      } else {
        (void)noise.normal<float>({});
      }
    });
    strategy.run([&](ReplicaContext&) { (void)noise.normal<float>({odd ? 3 : 2}); });
    const std::string told = difference_of([&] { strategy.check(); });
    EXPECT_THAT(told, HasSubstr("normal f32 [3]"));
    EXPECT_THAT(told, Not(HasSubstr("perhaps")));
  });
}

// A variable's identity is compared when it is made, not at its first use.
TEST(Told, TheNamesOfVariablesThatDiffer) {
  on_thread_ranks(2, [](const auto& world) {
    const bool odd = world->rank() == 1;
    {
      MirroredStrategy strategy(world, quiet());
      const auto make = [&](const char* name) { return strategy.variable<float>({2}, name); };
      const std::string told = difference_of([&] { (void)make(odd ? "biases" : "weights"); });
      EXPECT_THAT(told, HasSubstr("on rank 0, at create f32 [2] at told_test.cc:"));
      EXPECT_THAT(told, HasSubstr("of variable 'weights'; on rank 1,"));
      EXPECT_THAT(told, HasSubstr("of variable 'biases'"));
    }
    MirroredStrategy strategy(world, quiet());
    const std::string told = difference_of([&] {
      if (odd) {
        (void)strategy.variable<float>({2});
      } else {
        (void)strategy.variable<float>({2});
      }
    });
    EXPECT_THAT(told, HasSubstr("of variable made at told_test.cc:"));
  });
}

// What an earlier save kept of replicas that differed is in no later one's file.
TEST(SavesOfAll, HoldOneStateOnceReplicasAreAlikeAgain) {
  StrategyOptions options = quiet(2);
  options.on_divergence = OnDivergence::save_all;
  MirroredStrategy strategy(options);
  auto weights = strategy.variable<float>({1}, "weights");
  const auto object = weights.saveable();
  for (const bool differ : {true, false}) {
    strategy.run([&](ReplicaContext& replica) {
      weights.assign(std::vector<float>{differ ? static_cast<float>(replica.replica_id()) : 7.0F});
    });
    object->ensure_in_step();
    EXPECT_EQ(object->save().values.contains("replica_values"), differ);
  }
}

// Under `ulimit -f`, where the signal of a file that is too large would end the process.
TEST(LastCallsFile, IsAProblemAndNoSignalWhereFilesMayNotGrow) {
  const OwnFolder folder;
  ASSERT_EQ(::signal(SIGXFSZ, SIG_DFL), SIG_DFL);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
  const std::vector<LocalReplica> replicas(1);
  const LastCallsFile file = write_last_calls(folder.path(), 0, "why", 0, replicas);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  EXPECT_EQ(file.path, "");
  EXPECT_THAT(file.problem, HasSubstr("File too large"));
  sigset_t signals;
  ::sigpending(&signals);
  EXPECT_EQ(::sigismember(&signals, SIGXFSZ), 0) << "taken";
  ::pthread_sigmask(SIG_BLOCK, nullptr, &signals);
  EXPECT_EQ(::sigismember(&signals, SIGXFSZ), 0) << "as the caller had it";
}

}  // namespace
}  // namespace counterpoint
