// What makes a call another call: another object of the same name or line, another state, another kind
// of draw; and what is said of a difference that is no longer remembered.
#include <gtest/gtest.h>

#include <array>
#include <latch>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "counterpoint/runtime/sharded_draws.h"
#include "strategy/scenario_parts.h"

namespace counterpoint {
namespace {

// Expects a difference, named by `words`, where the last replica calls upon the second of two objects.
template <class Make, class Call>
void expect_two_objects(const World& world, int replicas_per_rank, const char* words, Make make,
                        Call call) {
  MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
  if (strategy.num_replicas_in_sync() == 1) return;
  const auto scope = strategy.scope();
  using Object = decltype(make(strategy));
  std::vector<Object> objects;
  for (int i = 0; i < 2; ++i) objects.push_back(make(strategy));
  strategy.run([&](ReplicaContext&) { call(objects[1]); });
  strategy.check();
  expect_error(ErrorCode::diverged, {words}, [&] {
    strategy.run([&](ReplicaContext& replica) { call(objects[is_last(replica) ? 1 : 0]); });
    strategy.check();
  });
}

void draw(Generator& generator) { (void)generator.normal<float>({3}); }
void assign(MirroredVariable& variable) { variable.assign(std::vector<float>{1, 2, 3}); }

void variables_of_one_line(const World& world, int replicas_per_rank) {
  expect_two_objects(
      world, replicas_per_rank, "(number 2)",
      [](MirroredStrategy& strategy) { return strategy.variable<float>({3}); }, assign);
}

void variables_of_one_name(const World& world, int replicas_per_rank) {
  expect_two_objects(
      world, replicas_per_rank, "variable 'w' (number 2)",
      [](MirroredStrategy& strategy) { return strategy.variable<float>({3}, "w"); }, assign);
}

void generators_of_one_line(const World& world, int replicas_per_rank) {
  expect_two_objects(
      world, replicas_per_rank, "(number 2)",
      [](MirroredStrategy&) { return Generator::from_seed(7); }, draw);
}

void generators_of_one_name(const World& world, int replicas_per_rank) {
  expect_two_objects(
      world, replicas_per_rank, "generator 'dropout' (number 2)",
      [](MirroredStrategy&) { return Generator::from_seed(7, {.name = "dropout"}); }, draw);
}

// Reset to where it was split before, a parent gives the same children again: other objects all the same.
void children_of_repeated_splits(const World& world, int replicas_per_rank) {
  for (const bool is_key_other : {false, true}) {
    expect_two_objects(
        world, replicas_per_rank, "normal f32 [3]",
        [is_key_other, parent = std::optional<Generator>(), key = 0](MirroredStrategy&) mutable {
          if (!parent) parent = Generator::from_seed(7);
          const std::array<std::int64_t, 2> counter = {1, 2};
          parent->reset_from_key_counter(is_key_other ? ++key : key, counter);
          return std::move(parent->split(2)[1]);
        },
        draw);
  }
}

// Each of them is adopted, however alike they are called.
void adopted_of_one_name(const World& world, int replicas_per_rank) {
  StrategyOptions options = quiet_options(replicas_per_rank);
  options.on_divergence = OnDivergence::adopt_first;
  MirroredStrategy strategy(world, options);
  if (strategy.num_replicas_in_sync() == 1) return;
  const auto scope = strategy.scope();
  auto a = Generator::from_seed(1, {.name = "g"});
  auto b = Generator::from_seed(2, {.name = "g"});
  strategy.run([&](ReplicaContext& replica) { draw(is_last(replica) ? b : a); });
  strategy.check();
  EXPECT_EQ(strategy.num_divergences(), 1);
  strategy.run([&](ReplicaContext&) {
    EXPECT_EQ(a.state().item<std::int64_t>(0), 1 + 3 * 256);
    EXPECT_EQ(b.state().item<std::int64_t>(0), 2);
  });
}

void a_shared_draw_or_each_its_own(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
  if (strategy.num_replicas_in_sync() == 1) return;
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1);
  expect_error(ErrorCode::diverged, {"normal f32 [14]"}, [&] {
    strategy.run([&](ReplicaContext& replica) {
      if (is_last(replica)) {
        (void)noise.sharded().normal<float>({14});
      } else {
        (void)noise.normal<float>({14});
      }
    });
    strategy.check();
  });
}

void restored_to_another_state(const World& world, int replicas_per_rank) {
  if (world->size() == 1) return;
  for (const std::vector<std::int64_t>& other :
       {std::vector<std::int64_t>{5, 7, 9}, {5, 6, 8}, {4, 6, 9}, {5, 6, 9}}) {
    MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
    const std::vector<std::int64_t> usual = {5, 6, 9};
    const auto saved = Generator::from_state(world->rank() == 1 ? other : usual).saveable()->save();
    const auto scope = strategy.scope();
    auto noise = Generator::from_seed(1);
    noise.saveable()->prepare(saved)->commit();
    if (other == usual) {
      strategy.check();
    } else {
      expect_error(ErrorCode::diverged, {"restore"}, [&] { strategy.check(); });
    }
  }
}

// A restore that was prepared cannot fail any more, whose scope it may be.
void committed_in_another_scope(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
  MirroredStrategy another(world, quiet_options(1));
  auto made = [&] {
    const auto scope = strategy.scope();
    return Generator::from_seed(1);
  }();
  const auto saved = Generator::from_seed(3).saveable()->save();
  const auto pending = made.saveable()->prepare(saved);
  {
    const auto scope = another.scope();
    pending->commit();
  }
  EXPECT_EQ(made.state().item<std::int64_t>(0), 3);
  strategy.check();
}

// The first call that differs has left every ring: no other is blamed for it.
void forgotten_difference(const World& world, int replicas_per_rank) {
  StrategyOptions options = quiet_options(replicas_per_rank);
  options.on_divergence = OnDivergence::stop_at_saves;
  MirroredStrategy strategy(world, options);
  if (strategy.num_replicas_in_sync() == 1) return;
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1);
  strategy.run([&](ReplicaContext& replica) {
    (void)noise.normal<float>({is_last(replica) ? 3 : 2});
    for (int i = 0; i < 1500; ++i) (void)noise.normal<float>({});
  });
  try {
    strategy.check();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), testing::HasSubstr("since one of the calls 0 to 478"));
    EXPECT_THAT(error.message(), testing::Not(testing::HasSubstr("normal f32 []")));
  }
}

// What replicas make at a line of a run is, in the next run, the first of that line again.
void counted_anew_in_each_run(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
  for (int run = 0; run < 2; ++run) {
    strategy.run([&](ReplicaContext&) {
      for (const bool first : {true, false}) {
        const auto mine = Generator::from_seed(1);
        try {
          mine.saveable()->ensure_in_step();
          ADD_FAILURE() << "nothing was thrown";
        } catch (const Error& error) {
          const auto second = testing::HasSubstr("(number 2) was made by replica");
          const auto other = testing::HasSubstr("(number ");
          if (first) {
            EXPECT_THAT(error.message(), testing::Not(other)) << "in run " << run;
          } else {
            EXPECT_THAT(error.message(), second) << "in run " << run;
          }
        }
      }
    });
  }
}

// Threads that a replica has bound draw one after the other from what was made outside.
void turns_of_bound_threads(const World& world, int replicas_per_rank) {
  // With one replica a rank its threads would be the ones that communicate, which MPI may not allow.
  const bool over_mpi = world->describe().find("MPI") != std::string::npos;
  if (replicas_per_rank == 1 && (over_mpi || world->size() > 1)) return;
  constexpr int kThreads = 4;
  constexpr int kDraws = 50;
  MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
  auto outside = Generator::from_seed(1);
  std::mutex mutex;
  std::set<std::uint64_t> drawn;
  strategy.run([&](ReplicaContext& replica) {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        const auto bound = replica.bind_thread();
        for (int k = 0; k < kDraws; ++k) {
          const auto value = outside.uniform_full_int<std::uint64_t>({}).item<std::uint64_t>();
          const std::scoped_lock lock(mutex);
          drawn.insert(value);
        }
      });
    }
  });
  EXPECT_EQ(drawn.size(), static_cast<std::size_t>(replicas_per_rank * kThreads * kDraws));
  EXPECT_EQ(outside.state().item<std::int64_t>(0),
            1 + 256 * kThreads * kDraws * strategy.num_replicas_in_sync());
}

// Which of two collectives would come first is left to nobody.
void collectives_of_bound_threads(const World& world, int replicas_per_rank) {
  if (replicas_per_rank == 1) return;
  MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
  std::latch refused(2);
  strategy.run([&](ReplicaContext& replica) {
    std::vector<float> values(1, 1.0F);
    if (replica.local_index() != 0) {
      refused.wait();
      return replica.all_reduce(values, Reduce::sum);
    }
    // One of the threads waits for the other replicas, which come when two have been refused.
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        const auto bound = replica.bind_thread();
        std::vector<float> own(1, 1.0F);
        try {
          replica.all_reduce(own, Reduce::sum);
          EXPECT_EQ(own[0], static_cast<float>(replica.num_replicas_in_sync()));
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ErrorCode::failed_precondition) << error.what();
          EXPECT_THAT(error.message(), testing::HasSubstr("another thread of it at all_reduce"));
          refused.count_down();
        }
      });
    }
  });
  strategy.check();  // what was refused is in no log
}

}  // namespace

std::vector<Scenario> identity_scenarios() {
  return {{"variables_of_one_line", variables_of_one_line},
          {"variables_of_one_name", variables_of_one_name},
          {"generators_of_one_line", generators_of_one_line},
          {"generators_of_one_name", generators_of_one_name},
          {"children_of_repeated_splits", children_of_repeated_splits},
          {"adopted_of_one_name", adopted_of_one_name},
          {"a_shared_draw_or_each_its_own", a_shared_draw_or_each_its_own},
          {"restored_to_another_state", restored_to_another_state},
          {"committed_in_another_scope", committed_in_another_scope},
          {"forgotten_difference", forgotten_difference},
          {"counted_anew_in_each_run", counted_anew_in_each_run},
          {"turns_of_bound_threads", turns_of_bound_threads},
          {"collectives_of_bound_threads", collectives_of_bound_threads}};
}

}  // namespace counterpoint
