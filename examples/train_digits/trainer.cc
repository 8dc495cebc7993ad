#include "train_digits/trainer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <span>

#include "counterpoint/runtime/sharded_draws.h"
#include "counterpoint/runtime/stateless.h"
#include "counterpoint/strategy/micro_batches.h"
#include "train_digits/sha256.h"

namespace train_digits {

namespace cp = counterpoint;

// What a replica trains on in one step: a row an image, and rows behind it where it draws for more.
struct Trainer::Share {
  std::vector<float> inputs;   // images with noise
  std::vector<float> dropout;  // what hidden units are multiplied by
  std::vector<std::uint8_t> labels;
  cp::Tensor first_noise = StepReport().first_noise;

  Batch<float> batch(Range rows) const {
    return {
        .inputs = std::span(inputs).subspan(rows.begin * pixel_count, rows.size() * pixel_count),
        .dropout =
            std::span(dropout).subspan(rows.begin * hidden_count, rows.size() * hidden_count),
        .labels = std::span(labels).subspan(rows.begin, rows.size())};
  }
};

namespace {

double percent(std::int64_t part, std::size_t whole) {
  return 100.0 * static_cast<double>(part) / static_cast<double>(std::max<std::size_t>(whole, 1));
}

// After He et al. (2015), for units with ReLU.
cp::Tensor initial_weights(cp::Generator& generator, std::size_t inputs, std::size_t outputs) {
  return generator.truncated_normal<float>(
      {static_cast<std::int64_t>(inputs), static_cast<std::int64_t>(outputs)}, 0.0,
      std::sqrt(2.0 / static_cast<double>(inputs)));
}

}  // namespace

Range share_of(std::size_t count, int part, int parts) {
  const auto index = static_cast<std::size_t>(part);
  const auto divisor = static_cast<std::size_t>(parts);
  return {count * index / divisor, count * (index + 1) / divisor};
}

cp::NamedObjects Position::members() {
  return {{"step", step},         {"epoch", epoch}, {"step_in_epoch", step_in_epoch},
          {"loss_sum", loss_sum}, {"hits", hits},   {"images", images}};
}

// A seed of two numbers chooses the key as well: streams that never meet.
Trainer::Trainer(cp::MirroredStrategy& strategy, const Digits& digits, cp::Generator& initial,
                 std::int64_t seed, Mode mode)
    : strategy_(strategy),
      digits_(digits),
      seed_(seed),
      invariant_(mode == Mode::invariant ? 1 : 0),
      noise_(cp::Generator::from_seed({seed, 1}, {.name = "noise"})),
      dropout_(cp::Generator::from_seed({seed, 2}, {.name = "dropout"})),
      hidden_weights_(
          strategy.variable(initial_weights(initial, pixel_count, hidden_count), "hidden_weights")),
      hidden_bias_(strategy.variable<float>({hidden_count}, "hidden_bias")),
      output_weights_(
          strategy.variable(initial_weights(initial, hidden_count, class_count), "output_weights")),
      output_bias_(strategy.variable<float>({class_count}, "output_bias")) {}

cp::NamedObjects Trainer::objects() {
  return {{"position", position_},       {"seed", seed_},
          {"invariant", invariant_},     {"noise", noise_},
          {"dropout", dropout_},         {"hidden_weights", hidden_weights_},
          {"hidden_bias", hidden_bias_}, {"output_weights", output_weights_},
          {"output_bias", output_bias_}, {"learning_curve", curve_}};
}

std::int64_t Trainer::steps_per_epoch() const {
  return static_cast<std::int64_t>((digits_.train.count() + batch_size - 1) / batch_size);
}

// Every replica makes the epoch's one order by itself, from the seed and the epoch alone.
void Trainer::shuffle() {
  if (shuffled_epoch_ == position_.epoch) return;
  order_.resize(digits_.train.count());
  std::iota(order_.begin(), order_.end(), 0);
  cp::stateless_shuffle(std::span(order_), {seed_, position_.epoch});
  shuffled_epoch_ = position_.epoch;
}

// Draws this replica's noise and dropout; returns which of the step's images are its own.
Range Trainer::draw_noise(const cp::ReplicaContext& replica, std::size_t images, Share& share) {
  const int id = replica.replica_id();
  const int replicas = replica.num_replicas_in_sync();
  const auto make_room = [&share](std::size_t rows) {
    share.inputs.resize(rows * pixel_count);
    share.dropout.resize(rows * hidden_count);
  };
  if (mode() == Mode::normal) {
    // From a stream of its own. Every replica draws as much as the one with the most images: calls
    // stay in step.
    const auto divisor = static_cast<std::size_t>(replicas);
    make_room((batch_size + divisor - 1) / divisor);
    noise_.fill_normal(share.inputs, 0.0, noise_stddev);
    dropout_.fill_uniform(share.dropout);
    return share_of(images, id, replicas);
  }
  // Its rows of one draw, which is the same for any number of replicas.
  const cp::RowRange own = cp::rows_of_replica(micro_batches, id, replicas);
  const auto first = static_cast<std::size_t>(own.first) * micro_batch_size;
  const auto rows = static_cast<std::size_t>(own.count) * micro_batch_size;
  make_room(rows);
  const cp::Shape noise_shape = {micro_batches, micro_batch_size, pixel_count};
  const cp::Shape dropout_shape = {micro_batches, micro_batch_size, hidden_count};
  noise_.sharded().fill_normal(share.inputs, noise_shape, 0.0, noise_stddev);
  dropout_.sharded().fill_uniform(share.dropout, dropout_shape);
  return {std::min(first, images), std::min(first + rows, images)};
}

Trainer::Share Trainer::share_of_step(const cp::ReplicaContext& replica, Order batch) {
  Share share;
  const Range images = draw_noise(replica, batch.size(), share);
  if (!share.inputs.empty()) {
    share.first_noise = cp::Tensor::from<float>(std::span(share.inputs).first(4), {1, 4});
  }
  share.labels.resize(images.size());
  for (std::size_t row = 0; row < images.size(); ++row) {
    const auto index = static_cast<std::size_t>(batch[images.begin + row]);
    const std::span<const float> image = digits_.train.image(index);
    for (std::size_t i = 0; i < pixel_count; ++i) share.inputs[row * pixel_count + i] += image[i];
    share.labels[row] = digits_.train.labels[index];
  }
  for (float& unit : share.dropout) {
    unit = unit < dropout_probability ? 0.0F : 1.0F / (1.0F - dropout_probability);
  }
  return share;
}

// The gradient over all replicas' images, with the loss and the hits behind it: one reduction a step.
void Trainer::add_up(const cp::ReplicaContext& replica, const Share& share,
                     std::span<float> sums) const {
  const auto add = [&](Range rows, std::span<float> to) {
    const Score score = add_gradient<float>(weights(), share.batch(rows),
                                            split_parameters(to.first(parameter_count)));
    to[parameter_count] = static_cast<float>(score.loss);
    to[parameter_count + 1] = static_cast<float>(score.hits);
  };
  const std::size_t images = share.labels.size();
  if (mode() == Mode::normal) {
    add({0, images}, sums);
    replica.all_reduce(sums, cp::Reduce::sum);
    return;
  }
  const std::size_t own = share.inputs.size() / (micro_batch_size * pixel_count);
  std::vector<float> rows(own * sums.size());
  for (std::size_t i = 0; i < own; ++i) {
    const std::size_t begin = std::min(i * micro_batch_size, images);
    add({begin, std::min(begin + micro_batch_size, images)},
        std::span(rows).subspan(i * sums.size(), sums.size()));
  }
  cp::all_reduce_micro_batches(replica, micro_batches, rows, sums, cp::Reduce::sum);
}

cp::PerReplica<StepReport> Trainer::step() {
  shuffle();
  const std::size_t begin = static_cast<std::size_t>(position_.step_in_epoch) * batch_size;
  const Order batch = Order(order_).subspan(begin, std::min(batch_size, order_.size() - begin));

  const auto reports = strategy_.run([&](cp::ReplicaContext& replica) {
    const Share share = share_of_step(replica, batch);
    std::vector<float> sums(parameter_count + 2);
    add_up(replica, share, sums);

    const std::span<float> gradient = std::span(sums).first(parameter_count);
    const float rate = learning_rate / (1.0F + static_cast<float>(position_.epoch) / 20.0F);
    for (float& slope : gradient) slope *= rate / static_cast<float>(batch.size());
    descend(gradient);
    return StepReport{.score = {.loss = static_cast<double>(sums[parameter_count]),
                                .hits = static_cast<std::int64_t>(sums[parameter_count + 1])},
                      .first_noise = share.first_noise};
  });

  ++position_.step;
  ++position_.step_in_epoch;
  position_.loss_sum += reports[0].score.loss;
  position_.hits += reports[0].score.hits;
  position_.images += static_cast<std::int64_t>(batch.size());
  return reports;
}

// This replica's copy of the weights.
Parameters<const float> Trainer::weights() const {
  return {.hidden_weights = hidden_weights_.values<float>(),
          .hidden_bias = hidden_bias_.values<float>(),
          .output_weights = output_weights_.values<float>(),
          .output_bias = output_bias_.values<float>()};
}

void Trainer::descend(std::span<float> gradient) {
  const Parameters<float> parts = split_parameters(gradient);
  hidden_weights_.assign_sub(parts.hidden_weights);
  hidden_bias_.assign_sub(parts.hidden_bias);
  output_weights_.assign_sub(parts.output_weights);
  output_bias_.assign_sub(parts.output_bias);
}

EpochResult Trainer::finish_epoch() {
  const EpochResult result = {.epoch = position_.epoch + 1,
                              .loss = mean_loss(),
                              .train_accuracy = training_accuracy(),
                              .test_accuracy = test_accuracy(),
                              .replicas = strategy_.num_replicas_in_sync()};
  curve_.append(result);
  position_ = {.step = position_.step, .epoch = position_.epoch + 1};
  return result;
}

double Trainer::test_accuracy() {
  const std::size_t count = digits_.test.count();
  const cp::PerReplica<std::int64_t> hits = strategy_.run([&](cp::ReplicaContext& replica) {
    const Range share = share_of(count, replica.replica_id(), replica.num_replicas_in_sync());
    return evaluate<float>(weights(), digits_.test.batch(share.begin, share.end)).hits;
  });
  return percent(strategy_.reduce(cp::Reduce::sum, hits), count);
}

double Trainer::mean_loss() const {
  return position_.loss_sum / static_cast<double>(std::max<std::int64_t>(position_.images, 1));
}

double Trainer::training_accuracy() const {
  return percent(position_.hits, static_cast<std::size_t>(position_.images));
}

std::string Trainer::weights_digest() const {
  static_assert(std::endian::native == std::endian::little);
  const Parameters<const float> parts = weights();
  Sha256 digest;
  for (const std::span<const float> part :
       {parts.hidden_weights, parts.hidden_bias, parts.output_weights, parts.output_bias}) {
    digest.add(std::as_bytes(part));
  }
  return digest.hex();
}

}  // namespace train_digits
