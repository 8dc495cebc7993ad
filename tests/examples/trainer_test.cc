// Training as replicas: what does not depend on their number, and that training resumed from what
// it saved is training never stopped.

#include "train_digits/trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>

namespace {

using namespace train_digits;
namespace cp = counterpoint;

const Digits& digits() {
  static const Digits all = Digits::read(COUNTERPOINT_SOURCE_DIR "/examples/data/digits.h5");
  return all;
}

// A trainer with replicas that are threads of this process.
class Training {
 public:
  explicit Training(int replicas, std::int64_t seed = 1, Mode mode = Mode::normal)
      : initial_(cp::Generator::from_seed(seed)),
        strategy_(cp::StrategyOptions{.replicas_per_rank = replicas}) {
    const auto scope = strategy_.scope();
    trainer_.emplace(strategy_, digits(), initial_, seed, mode);
  }

  Trainer* operator->() { return &*trainer_; }

  void train(int steps) {
    for (int i = 0; i < steps; ++i) {
      trainer_->step();
      if (trainer_->epoch_is_over()) trainer_->finish_epoch();
    }
  }

 private:
  cp::Generator initial_;
  cp::MirroredStrategy strategy_;
  std::optional<Trainer> trainer_;
};

TEST(Trainer, SharesAreAPartition) {
  for (std::size_t count = 0; count <= 50; ++count) {
    for (int parts = 1; parts <= 50; ++parts) {
      const std::size_t most = (count + parts - 1) / parts;
      std::size_t next = 0;
      for (int part = 0; part < parts; ++part) {
        const Range share = share_of(count, part, parts);
        ASSERT_EQ(share.begin, next);
        ASSERT_LE(share.size(), most);
        next = share.end;
      }
      ASSERT_EQ(next, count);
    }
  }
}

TEST(Trainer, BeginsAlikeOnAnyNumberOfReplicas) {
  Training alone(1);
  const std::string weights = alone->weights_digest();
  const double accuracy = alone->test_accuracy();
  EXPECT_GT(accuracy, 0.0);
  EXPECT_LT(accuracy, 50.0);
  for (const int replicas : {2, 3, 5}) {
    Training several(replicas);
    EXPECT_EQ(several->weights_digest(), weights) << replicas << " replicas";
    EXPECT_EQ(several->test_accuracy(), accuracy) << replicas << " replicas";
  }
  EXPECT_NE(Training(1, 2)->weights_digest(), weights);
}

TEST(Trainer, AnEpochHasTheSameStepsOnAnyNumberOfReplicas) {
  for (const int replicas : {1, 3, 7}) {
    Training training(replicas);
    training.train(30);
    EXPECT_EQ(training->position().step, 30);
    EXPECT_EQ(training->position().epoch, 1) << replicas << " replicas";
    EXPECT_EQ(training->position().step_in_epoch, 0);
    ASSERT_EQ(training->curve().rows().size(), 1);
    EXPECT_EQ(training->curve().rows()[0].replicas, replicas);
    EXPECT_GT(training->curve().rows()[0].test_accuracy, 70.0) << replicas << " replicas";
  }
}

TEST(Trainer, EveryReplicaHasNoiseOfItsOwn) {
  Training training(3);
  const cp::PerReplica<StepReport> first = training->step();
  const cp::PerReplica<StepReport> second = training->step();
  for (std::size_t i = 0; i < 3; ++i) {
    const auto noise = first[i].first_noise.values<float>();
    EXPECT_NE(noise[0], second[i].first_noise.values<float>()[0]);
    EXPECT_NE(noise[0], first[(i + 1) % 3].first_noise.values<float>()[0]);
    // The score is everybody's.
    EXPECT_EQ(first[i].score.loss, first[0].score.loss);
  }
}

// From the middle of an epoch, through a save and a restore into another trainer.
TEST(Trainer, ResumedTrainingIsTrainingNeverStopped) {
  constexpr int before = 47;
  constexpr int after = 20;
  Training whole(3);
  whole.train(before + after);

  Training stopped(3);
  stopped.train(before);
  const cp::SavedObject saved = cp::saveable_members(stopped->objects())->save();
  ASSERT_NE(stopped->weights_digest(), whole->weights_digest());

  Training resumed(3, 99);
  cp::saveable_members(resumed->objects())->prepare(saved)->commit();
  EXPECT_EQ(resumed->seed(), 1);
  EXPECT_EQ(resumed->position().step, before);
  EXPECT_EQ(resumed->weights_digest(), stopped->weights_digest());
  resumed.train(after);
  EXPECT_EQ(resumed->weights_digest(), whole->weights_digest());
  EXPECT_EQ(resumed->mean_loss(), whole->mean_loss());
  EXPECT_EQ(resumed->curve().rows()[1].loss, whole->curve().rows()[1].loss);
}

// The replicas that were there before draw what they would have drawn.
TEST(Trainer, SurvivingReplicasGoOnWithTheirNoise) {
  Training four(4);
  four.train(10);
  const cp::SavedObject saved = cp::saveable_members(four->objects())->save();
  const cp::PerReplica<StepReport> wanted = four->step();
  for (const int replicas : {2, 6}) {
    Training other(replicas);
    cp::saveable_members(other->objects())->prepare(saved)->commit();
    const cp::PerReplica<StepReport> got = other->step();
    for (int i = 0; i < std::min(replicas, 4); ++i) {
      for (std::size_t j = 0; j < 4; ++j) {
        EXPECT_EQ(got[i].first_noise.values<float>()[j], wanted[i].first_noise.values<float>()[j])
            << "replica " << i << " of " << replicas;
      }
    }
  }
}

constexpr int replica_counts[] = {1, 2, 3, 4, 7, 8, 17};  // of 16 micro-batches

TEST(InvariantTrainer, WeightsAreTheSameOnAnyNumberOfReplicas) {
  std::string wanted;
  double loss = 0;
  for (const int replicas : replica_counts) {
    Training training(replicas, 1, Mode::invariant);
    training.train(35);  // past the end of an epoch, whose last step has fewer images
    if (wanted.empty()) {
      wanted = training->weights_digest();
      loss = training->mean_loss();
      EXPECT_GT(training->curve().rows().at(0).test_accuracy, 70.0);
    }
    EXPECT_EQ(training->weights_digest(), wanted) << replicas << " replicas";
    EXPECT_EQ(training->mean_loss(), loss) << replicas << " replicas";
  }
}

// If this fails, the test above could not tell an order of adding from another.
TEST(InvariantTrainer, OtherwiseWeightsDependOnTheNumberOfReplicas) {
  Training one(1);
  Training two(2);
  one.train(3);
  two.train(3);
  EXPECT_NE(one->weights_digest(), two->weights_digest());
}

TEST(InvariantTrainer, GoesOnAlikeOnAnotherNumberOfReplicas) {
  Training whole(1, 1, Mode::invariant);
  whole.train(40);
  Training first(3, 1, Mode::invariant);
  first.train(8);
  cp::SavedObject saved = cp::saveable_members(first->objects())->save();
  for (const int replicas : {4, 1, 8, 2}) {
    Training next(replicas, 99, Mode::invariant);
    cp::saveable_members(next->objects())->prepare(saved)->commit();
    next.train(8);
    saved = cp::saveable_members(next->objects())->save();
    if (next->position().step == 40) {
      EXPECT_EQ(next->weights_digest(), whole->weights_digest());
      return;
    }
  }
  FAIL() << "never came to step 40";
}

}  // namespace
