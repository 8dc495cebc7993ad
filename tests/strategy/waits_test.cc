// Who is blamed where some wait for others: those that do not come, and not those that another's failure
// finds at work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "runtime/expect_error.h"
#include "strategy/thread_ranks.h"

namespace counterpoint {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// What `call` throws.
template <class Call>
Error thrown_by(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return {ErrorCode::internal, "nothing was thrown"};
}

// Long enough for a rank that looks every 20 ms to have looked.
void let_the_others_look() { std::this_thread::sleep_for(std::chrono::milliseconds(200)); }

// Rank 1 cannot go on, and says so, while both replicas of rank 0 work.
TEST(AWorkingReplica, IsNotBlamedForAnotherThatThrows) {
  std::promise<void> thrown;
  const std::shared_future<void> told = thrown.get_future().share();
  on_thread_ranks(2, [&](const auto& world) {
    MirroredStrategy strategy(world, {.replicas_per_rank = 2,
                                      .timeout_seconds = 1000,
                                      .collective_checks = CollectiveChecks::at_end_of_run,
                                      .last_calls_folder = ""});
    const Error error = thrown_by([&] {
      strategy.run([&](ReplicaContext& replica) {
        if (replica.replica_id() == 2) throw std::runtime_error("the data set is gone");
        if (replica.replica_id() == 1) {
          told.wait();
          let_the_others_look();
        }
        std::vector<float> values(1);
        replica.all_reduce(values, Reduce::sum);
      });
    });
    if (world->rank() == 1) thrown.set_value();
    EXPECT_EQ(error.code(), ErrorCode::aborted) << error.what();
    EXPECT_THAT(error.message(), HasSubstr("replica 2 on rank 1: the data set is gone"));
    EXPECT_THAT(error.message(), Not(HasSubstr("did not come")));
  });
}

TEST(AWorkingReplica, IsNotBlamedForAnotherThatHangs) {
  const auto released = std::make_shared<std::promise<void>>();
  const std::shared_future<void> release = released->get_future().share();
  const auto thrown = std::make_shared<std::promise<void>>();
  const std::shared_future<void> told = thrown->get_future().share();
  on_thread_ranks(2, [&](const auto& world) {
    // Rank 0 has no deadline to speak of: its replicas work on until rank 1 has given up.
    MirroredStrategy strategy(world, {.replicas_per_rank = 2,
                                      .timeout_seconds = world->rank() == 0 ? 60.0 : 0.3,
                                      .last_calls_folder = ""});
    const Error error = thrown_by([&] {
      strategy.run([release, told](ReplicaContext& replica) {
        if (replica.replica_id() == 3) release.wait();
        if (replica.rank() == 0) {
          told.wait();
          let_the_others_look();
        }
        std::vector<float> values(1);
        replica.all_reduce(values, Reduce::sum);
      });
    });
    if (world->rank() == 1) thrown->set_value();
    EXPECT_EQ(error.code(), ErrorCode::deadline_exceeded) << error.what();
    EXPECT_THAT(error.message(), StartsWith((world->rank() == 0 ? "rank 1: " : "") +
                                            std::string("replica 3 is running and has made no call "
                                                        "did not come within 0.3 s")));
  });
  released->set_value();
}

// Rank 1 has waited in vain, and the job is about to end: rank 0 says so while its replica still works.
TEST(AWorkingReplica, IsNotWaitedForWhereADeadlineHasPassed) {
  const auto released = std::make_shared<std::promise<void>>();
  const std::shared_future<void> release = released->get_future().share();
  on_thread_ranks(2, [&](const auto& world) {
    MirroredStrategy strategy(world, {.replicas_per_rank = 2,
                                      .timeout_seconds = world->rank() == 0 ? 10'000 : 0.3,
                                      .last_calls_folder = ""});
    const Error error = thrown_by([&] {
      strategy.run([release](ReplicaContext& replica) {
        if (replica.replica_id() == 0 || replica.replica_id() == 3) release.wait();
        std::vector<float> values(1);
        replica.all_reduce(values, Reduce::sum);
      });
    });
    EXPECT_EQ(error.code(), ErrorCode::deadline_exceeded) << error.what();
    EXPECT_THAT(error.message(), HasSubstr("replica 3 is running and has made no call did not come "
                                           "within 0.3 s"));
  });
  released->set_value();
}

// A restore is for the thread that runs the strategy, and moves nothing where it is refused.
TEST(ARestore, IsRefusedWhileARunIsOn) {
  MirroredStrategy strategy(
      {.replicas_per_rank = 2, .timeout_seconds = 20, .last_calls_folder = ""});
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1, {.name = "noise"});
  const auto object = noise.saveable();
  strategy.run([&](ReplicaContext& replica) {
    (void)noise.normal<float>({2});
    if (replica.replica_id() != 0) return;
    std::jthread([&] {
      expect_error(ErrorCode::failed_precondition, {"a restore", "while a run of"},
                   [&] { object->begin_restore(); });
    });
  });
  strategy.check();
}

}  // namespace
}  // namespace counterpoint
