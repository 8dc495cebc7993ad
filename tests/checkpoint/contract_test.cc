// The restore contract with real generators and variables: saved inside or outside of a strategy of
// any number of replicas, restored inside or outside of one of any other, the state is exact, every
// replica draws what it would have drawn, and the report says what became of each object.
#include <optional>

#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/mirrored_strategy.h"

namespace checkpoint_tests {
namespace {

using Draw = std::vector<float>;

Draw drawn(cp::Generator& generator) {
  const cp::Tensor values = generator.uniform<float>({4});
  const auto elements = values.values<float>();
  return {elements.begin(), elements.end()};
}

// A generator that has moved, in a strategy of `replicas` replicas, or outside for 0.
struct Side {
  Side(const std::shared_ptr<cp::Communicator>& world, int replicas) {
    if (replicas == 0) {
      noise.emplace(cp::Generator::from_seed(5));
      return;
    }
    strategy.emplace(world, cp::StrategyOptions{.replicas_per_rank = replicas});
    const auto scope = strategy->scope();
    noise.emplace(cp::Generator::from_seed(5));
    weights.emplace(strategy->variable<float>({3}));
  }
  void move(int draws) {
    for (int i = 0; i < draws; ++i) {
      if (!strategy) {
        drawn(*noise);
      } else {
        strategy->run([&](cp::ReplicaContext&) { drawn(*noise); });
      }
    }
  }
  // What each local replica draws next.
  std::vector<Draw> next() {
    if (!strategy) return {drawn(*noise)};
    std::vector<Draw> draws(static_cast<std::size_t>(strategy->num_replicas_in_sync()));
    strategy->run([&](cp::ReplicaContext& replica) {
      draws[static_cast<std::size_t>(replica.replica_id())] = drawn(*noise);
    });
    return draws;
  }

  std::optional<cp::MirroredStrategy> strategy;
  std::optional<cp::Generator> noise;
  std::optional<cp::MirroredVariable> weights;
};

// What replica `id` of a strategy draws from a generator of `state`; without `id`, what is drawn
// outside of one.
Draw expected(const cp::Tensor& state, std::optional<int> id) {
  auto plain = cp::Generator::from_state(state);
  if (!id) return drawn(plain);
  auto view = plain.for_replica(*id);
  return drawn(view);
}

TEST(RestoreContract, GivesTheExactStateFromAnySideToAnySide) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  const auto world = one_rank();
  for (const int from : {0, 1, 2, 5}) {
    Side saved(world, from);
    saved.move(3);
    const cp::Tensor state = saved.noise->state();
    cp::Checkpoint(world, {{"noise", *saved.noise}}).save(path);
    for (const int to : {0, 1, 2, 3, 7}) {
      SCOPED_TRACE(testing::Message() << "from " << from << " replicas to " << to);
      Side restored(world, to);
      restored.move(1);
      const auto report = cp::Checkpoint(world, {{"noise", *restored.noise}}).restore(path);
      EXPECT_EQ(report.objects.at(0).result,
                from == to ? cp::ObjectResult::exact : cp::ObjectResult::derived);
      const cp::Tensor now = restored.noise->state();
      EXPECT_TRUE(std::ranges::equal(now.values<std::int64_t>(), state.values<std::int64_t>()));
      const std::vector<Draw> draws = restored.next();
      if (to == 0) {
        EXPECT_EQ(draws.at(0), expected(state, std::nullopt));
      }
      for (int id = 0; id < to; ++id) {
        EXPECT_EQ(draws.at(static_cast<std::size_t>(id)), expected(state, id)) << "replica " << id;
      }
    }
  }
}

// Replicas that both sides have go on as if nothing had happened.
TEST(RestoreContract, SurvivingReplicasGoOnExactly) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  const auto world = one_rank();
  Side saved(world, 4);
  saved.move(2);
  cp::Checkpoint(world, {{"noise", *saved.noise}}).save(path);
  const std::vector<Draw> undisturbed = saved.next();
  for (const int to : {2, 6}) {
    Side restored(world, to);
    cp::Checkpoint(world, {{"noise", *restored.noise}}).restore(path);
    const std::vector<Draw> draws = restored.next();
    for (std::size_t id = 0; id < std::min(draws.size(), undisturbed.size()); ++id) {
      EXPECT_EQ(draws[id], undisturbed[id]) << "replica " << id << " of " << to;
    }
  }
}

TEST(RestoreContract, VariablesAreTheFirstReplicasOnAllOfThem) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  on_thread_ranks(2, [&](std::shared_ptr<cp::Communicator> world) {
    Side saved(world, 1);
    saved.weights->assign(std::vector<float>{1, 2, 3});
    cp::Checkpoint(world, {{"weights", *saved.weights}}).save(path);
    for (const int replicas : {1, 3}) {
      Side restored(world, replicas);
      const float* const place = restored.weights->values<float>().data();
      const auto report = cp::Checkpoint(world, {{"weights", *restored.weights}}).restore(path);
      EXPECT_EQ(report.objects.at(0).result, cp::ObjectResult::exact);
      EXPECT_EQ(restored.weights->values<float>().data(), place) << "spans stay valid";
      restored.strategy->run([&](cp::ReplicaContext&) {
        const auto values = restored.weights->values<float>();
        EXPECT_EQ(std::vector<float>(values.begin(), values.end()), (std::vector<float>{1, 2, 3}));
      });
    }
  });
}

TEST(RestoreContract, ReportsEachObjectAndWhy) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  on_thread_ranks(2, [&](std::shared_ptr<cp::Communicator> world) {
    Side saved(world, 1);
    saved.move(1);
    std::int64_t step = 4;
    double loss = 0.5;
    cp::Checkpoint(
        world,
        {{"noise", *saved.noise}, {"weights", *saved.weights}, {"step", step}, {"loss", loss}})
        .save(path);

    Side other(world, 2);
    const auto scope = other.strategy->scope();
    auto larger = other.strategy->variable<float>({4});
    std::int64_t absent = 9;
    step = 0;
    cp::Checkpoint checkpoint(
        world, {{"noise", *other.noise}, {"weights", larger}, {"step", step}, {"absent", absent}});
    const cp::Tensor before = other.noise->state();
    const cp::Error error = error_of([&] { checkpoint.restore(path); });
    EXPECT_NE(error.message().find("'weights'"), std::string::npos) << error.what();
    EXPECT_NE(error.message().find("'absent'"), std::string::npos) << error.what();
    EXPECT_NE(error.message().find("loss"), std::string::npos) << "what is unused is a hint";
    expect_same_on_all_ranks(*world, error.what());
    EXPECT_EQ(step, 0);
    const cp::Tensor after = other.noise->state();
    EXPECT_TRUE(std::ranges::equal(after.values<std::int64_t>(), before.values<std::int64_t>()))
        << "a restore that fails changes nothing";

    const auto report = checkpoint.restore(path, {.allow_partial = true});
    ASSERT_EQ(report.objects.size(), 4u);
    EXPECT_EQ(report.objects[0].result, cp::ObjectResult::derived);
    EXPECT_EQ(report.objects[1].result, cp::ObjectResult::refused);
    EXPECT_NE(report.objects[1].reason.find("[3]"), std::string::npos) << report.objects[1].reason;
    EXPECT_EQ(report.objects[2].result, cp::ObjectResult::exact);
    EXPECT_EQ(report.objects[3].result, cp::ObjectResult::absent);
    EXPECT_EQ(report.unused, (std::vector<std::string>{"loss"}));
    EXPECT_EQ(step, 4);
    EXPECT_EQ(absent, 9);
    expect_same_on_all_ranks(*world, report.to_string());
  });
}

// As tied weights have: the file may hold them once a name, but not differently.
TEST(RestoreContract, AnObjectOfTwoNamesGetsOneContent) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  const auto world = one_rank();
  const auto filled = [](std::int64_t size, float value) {
    return cp::Tensor::from<float>(std::vector<float>(static_cast<std::size_t>(size), value),
                                   {size});
  };
  struct Model {
    cp::NamedObjects members() { return {{"weights", *weights}}; }
    cp::Tensor* weights;
  };
  for (const auto& [size, value] : {std::pair{4096, 1.0F}, std::pair{2048, 2.0F}}) {
    cp::Tensor encoder = filled(4096, 1);
    cp::Tensor decoder = filled(size, value);
    Model saved{&decoder};
    cp::Checkpoint(world, {{"encoder", encoder}, {"decoder", decoder}, {"model", saved}})
        .save(path);
    cp::Tensor tied = filled(2048, 0);
    Model model{&tied};
    cp::Checkpoint checkpoint(world, {{"encoder", tied}, {"decoder", tied}, {"model", model}});
    if (size == 4096) {
      checkpoint.restore(path);
      EXPECT_TRUE(std::ranges::equal(tied.values<float>(), encoder.values<float>()));
      continue;
    }
    const cp::Error error = error_of([&] { checkpoint.restore(path); });
    EXPECT_EQ(error.code(), cp::ErrorCode::invalid_argument);
    EXPECT_NE(error.message().find("'decoder' is the same object as 'encoder'"), std::string::npos)
        << error.what();
    EXPECT_NE(error.message().find("'model' is the same object as 'encoder'"), std::string::npos)
        << error.what();
    EXPECT_EQ(tied.values<float>().front(), 0);
    const auto report = checkpoint.restore(path, {.allow_partial = true});
    EXPECT_EQ(report.objects.at(0).result, cp::ObjectResult::exact);
    EXPECT_EQ(report.objects.at(1).result, cp::ObjectResult::refused);
    EXPECT_TRUE(std::ranges::equal(tied.values<float>(), encoder.values<float>()));
  }
}

// On one rank, where a strict restore must fail on all.
TEST(RestoreContract, APrepareThatReturnsNullIsAnError) {
  struct Forgetful final : cp::Saveable {
    cp::SavedObject save() const override {
      return {.type = "object", .attributes = {}, .values = {}, .members = {}};
    }
    std::unique_ptr<cp::PendingRestore> prepare(const cp::SavedObject& saved) override {
      return forgets ? nullptr : cp::saveable_members({})->prepare(saved);
    }
    bool forgets = false;
  };
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  on_thread_ranks(2, [&](std::shared_ptr<cp::Communicator> world) {
    const auto forgetful = std::make_shared<Forgetful>();
    std::int64_t step = 1;
    for (const bool nested : {false, true}) {
      const std::shared_ptr<cp::Saveable> object =
          nested ? cp::saveable_members({{"inner", forgetful}}) : forgetful;
      forgetful->forgets = false;
      step = 1;
      cp::Checkpoint checkpoint(world, {{"object", object}, {"step", step}});
      checkpoint.save(path);
      step = 2;
      forgetful->forgets = world->rank() == 1;
      const cp::Error error = error_of([&] { checkpoint.restore(path); });
      EXPECT_EQ(error.code(), cp::ErrorCode::internal);
      EXPECT_NE(error.message().find("returned null"), std::string::npos) << error.what();
      EXPECT_EQ(step, 2);
    }
  });
}

TEST(SaveableMembers, RefuseNullsAndNamesThatAreThereTwice) {
  std::int64_t number = 0;
  EXPECT_EQ(error_of([&] {
              cp::saveable_members({{"a", number}, {"a", number}});
            }).code(),
            cp::ErrorCode::invalid_argument);
  EXPECT_EQ(error_of([&] {
              cp::saveable_members({{"a", std::shared_ptr<cp::Saveable>()}});
            }).code(),
            cp::ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace checkpoint_tests
