// Training as many replicas: what they hold, one step, and the epoch's end.
//
//   auto initial = cp::Generator::from_seed(seed);  // outside of the scope
//   const auto scope = strategy.scope();
//   Trainer trainer(strategy, digits, initial, seed);
//   while (trainer.epoch() < epochs) {
//     trainer.step();
//     if (trainer.epoch_is_over()) trainer.finish_epoch();
//   }
//
// All ranks make the same calls. Repeated with the same seed, number of ranks and replicas a rank,
// the weights are the same to the bit, whether or not a checkpoint of objects() came between. In
// invariant mode they are the same on any numbers of ranks and replicas, and if these change on the
// way: every step is the same micro-batches, with the same noise, added up in the same order.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "counterpoint/runtime/generator.h"
#include "counterpoint/runtime/saveable.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "train_digits/digits.h"
#include "train_digits/learning_curve.h"

namespace train_digits {

// A step's images, over all replicas: however many these are, an epoch has the same steps, and a
// checkpoint's position means the same.
inline constexpr std::size_t batch_size = 48;
inline constexpr std::size_t micro_batch_size = 3;  // in invariant mode
inline constexpr std::size_t micro_batches = batch_size / micro_batch_size;
inline constexpr float learning_rate = 1.0F;  // at first; half of that after 20 epochs, and so on
inline constexpr float noise_stddev = 0.2F;
inline constexpr float dropout_probability = 0.2F;

// Things `begin` to `end` - 1.
struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;

  std::size_t size() const { return end - begin; }
};

// One of `parts` parts of `count` things: as even as can be, each thing in one part.
Range share_of(std::size_t count, int part, int parts);

// Where training is; saved with the rest.
struct Position {
  std::int64_t step = 0;           // since the beginning
  std::int64_t epoch = 0;          // completed
  std::int64_t step_in_epoch = 0;  // completed
  double loss_sum = 0;             // over the epoch so far
  std::int64_t hits = 0;
  std::int64_t images = 0;

  counterpoint::NamedObjects members();
};

// What a replica has to say after a step.
struct StepReport {
  Score score;  // of all replicas together
  // [1, 4]: what this replica's own noise began with; zeros if it had no images.
  counterpoint::Tensor first_noise{counterpoint::DType::f32, {1, 4}};
};

enum class Mode : std::uint8_t { normal, invariant };

class Trainer {
 public:
  // Made in the strategy's scope, where its generators have one stream a replica; the weights come
  // from `initial`, made outside: the same for any number of replicas. Collective. `strategy` and
  // `digits` must outlive the trainer.
  Trainer(counterpoint::MirroredStrategy& strategy, const Digits& digits,
          counterpoint::Generator& initial, std::int64_t seed, Mode mode = Mode::normal);

  counterpoint::PerReplica<StepReport> step();

  std::int64_t steps_per_epoch() const;
  bool epoch_is_over() const { return position_.step_in_epoch == steps_per_epoch(); }
  // Scores the test set and begins the next epoch. Collective.
  EpochResult finish_epoch();
  // Percent. Collective.
  double test_accuracy();

  const Position& position() const { return position_; }
  double mean_loss() const;          // of the epoch so far
  double training_accuracy() const;  // percent, of the same
  const LearningCurve& curve() const { return curve_; }

  // All that has to be saved.
  counterpoint::NamedObjects objects();
  // The seed; after a restore, the saved one.
  std::int64_t seed() const { return seed_; }
  // The same of the mode.
  Mode mode() const { return invariant_ != 0 ? Mode::invariant : Mode::normal; }
  // SHA-256 of the weights, little-endian, in hexadecimal digits.
  std::string weights_digest() const;

 private:
  using Order = std::span<const std::int64_t>;
  struct Share;

  Parameters<const float> weights() const;
  Range draw_noise(const counterpoint::ReplicaContext& replica, std::size_t images, Share& share);
  Share share_of_step(const counterpoint::ReplicaContext& replica, Order batch);
  void add_up(const counterpoint::ReplicaContext& replica, const Share& share,
              std::span<float> sums) const;
  void shuffle();
  void descend(std::span<float> gradient);

  counterpoint::MirroredStrategy& strategy_;
  const Digits& digits_;
  std::int64_t seed_;
  std::int64_t invariant_;
  Position position_;
  LearningCurve curve_;
  std::vector<std::int64_t> order_;  // of the training images, in epoch `shuffled_epoch_`
  std::int64_t shuffled_epoch_ = -1;

  counterpoint::Generator noise_;
  counterpoint::Generator dropout_;
  counterpoint::MirroredVariable hidden_weights_;
  counterpoint::MirroredVariable hidden_bias_;
  counterpoint::MirroredVariable output_weights_;
  counterpoint::MirroredVariable output_bias_;
};

}  // namespace train_digits
