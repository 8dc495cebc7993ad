#include "golden_replay/player.h"

#include <fmt/format.h>

#include <utility>

#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/runtime/error.h"
#include "golden_replay/operations.h"

namespace golden {
namespace {

namespace cp = counterpoint;

// A rank that has failed leaves the others waiting for it no longer than this.
constexpr double timeout_seconds = 60;

// In steps outside of runs, the answer of one generator may be a list with one list.
const json& only_answer(const json& step) {
  static const json none;
  if (!step.contains("want")) return none;
  const json& want = step.at("want");
  const bool nested = !want.empty() && want.front().is_array();
  if (nested && want.size() != 1) throw Failure("answers of several replicas outside of a run");
  return nested ? want.front() : want;
}

// Errors: Failure for a draw that nothing is known of.
void want_an_answer(const json& step) {
  if (!step.contains("want") && !(step.contains("first") && step.contains("last"))) {
    throw Failure("nothing to compare with");
  }
}

// A generator outside with the algorithm and the state of `generator`.
cp::Generator plain_copy(const cp::Generator& generator) {
  return cp::Generator::from_state(generator.state(), {.algorithm = generator.definition()});
}

}  // namespace

Player::Player(std::shared_ptr<cp::Communicator> world, PlayerOptions options)
    : world_(std::move(world)), options_(std::move(options)) {}

bool Player::can_play(const json& one_case) const {
  if (!options_.replicas_per_rank) return true;
  const int here = world_->size() * *options_.replicas_per_rank;
  for (const int wanted : replica_counts(one_case)) {
    if (wanted != here) return false;
  }
  return true;
}

std::vector<std::string> Player::play(const json& one_case) {
  failures_.clear();
  replicas_ = one_case.value("replicas", 0);
  const json& steps = one_case.at("steps");
  step_name_ = "case";
  if (steps.empty()) report("has no steps");
  for (std::size_t i = 0; i < steps.size(); ++i) {
    step_name_ = fmt::format("step {} ({})", i + 1, steps[i].value("op", "no op"));
    try {
      play_step(steps[i]);
    } catch (const std::exception& error) {  // of the library, or a field is not as it must be
      report(error.what());
    }
  }
  voices_.clear();
  strategies_.clear();
  files_.clear();
  return std::move(failures_);
}

void Player::play_step(const json& step) {
  check_fields(step);
  const std::string op = step.at("op");
  const std::string place = step.value("where", "outside");
  const std::map<std::string, Where> places = {
      {"outside", Where::outside}, {"scope", Where::scope}, {"run", Where::run}};
  if (!places.contains(place)) throw Failure(fmt::format("unknown place '{}'", place));
  const Where where = places.at(place);

  if (makers().contains(op)) {
    make(step, where);
  } else if (draws().contains(op)) {
    draw(step, where);
  } else if (changes().contains(op)) {
    change(step, where);
  } else if (op == "split") {
    split(step, where);
  } else if (op == "save") {
    save(step);
  } else if (op == "restore") {
    restore(step);
  } else if (stateless_functions().contains(op)) {
    stateless(step);
  } else {
    throw Failure(fmt::format("unknown operation '{}'", op));
  }
  check_state(step);
}

void Player::make(const json& step, Where where) {
  const Make& maker = makers().at(step.at("op"));
  const std::string name = step.at("gen");
  voices_.erase(name);
  if (where == Where::run) throw Failure("generators made in a run do not outlive it");
  if (where == Where::scope) {
    const int replicas = step.value("replicas", replicas_);
    const auto scope = strategy(replicas).scope();
    voices_.emplace(name, Voice{.generator = maker(step), .made_in = replicas});
  } else {
    voices_.emplace(name, Voice{.generator = maker(step)});
  }
  if (step.contains("key_want")) {
    const std::int64_t key = voice(step).generator.key();
    const std::int64_t want = as_word(step.at("key_want"));
    if (key != want) report(fmt::format("key: want {}, got {}", want, key));
  }
}

void Player::draw(const json& step, Where where) {
  want_an_answer(step);
  if (where == Where::run) return draw_in_run(step);
  const Draw& operation = draws().at(step.at("op"));
  cp::Generator& generator = voice(step).generator;
  std::optional<NormalParts> parts;
  if (has_slack(step)) parts = normal_parts(plain_copy(generator), step);
  const auto draw_here = [&] {
    report(compare(operation(generator, step), step, only_answer(step), parts ? &*parts : nullptr));
  };
  if (where == Where::scope) {
    const auto scope = strategy_of(step).scope();
    draw_here();
  } else {
    draw_here();
  }
}

void Player::draw_in_run(const json& step) {
  const Draw& operation = draws().at(step.at("op"));
  Voice& drawn = voice(step);
  cp::MirroredStrategy& strategy = strategy_of(step);
  const json& want = step.at("want");
  if (static_cast<int>(want.size()) != strategy.num_replicas_in_sync()) {
    throw Failure(
        fmt::format("{} answers for {} replicas", want.size(), strategy.num_replicas_in_sync()));
  }
  std::vector<std::optional<NormalParts>> parts;
  for (int local = 0; local < strategy.replicas_per_rank(); ++local) {
    const int id = strategy.rank() * strategy.replicas_per_rank() + local;
    parts.push_back(has_slack(step) ? normal_parts(twin(step, drawn, id), step) : std::nullopt);
  }

  const cp::PerReplica<cp::Tensor> answers =
      strategy.run([&](cp::ReplicaContext&) { return operation(drawn.generator, step); });
  for (std::size_t local = 0; local < answers.size(); ++local) {
    const int id = answers.replica_id(local);
    const json& one = want.at(static_cast<std::size_t>(id));
    if (!one.is_array()) throw Failure("an answer in a run is a list a replica");
    report(compare(answers[local], step, one, parts[local] ? &*parts[local] : nullptr),
           fmt::format("replica {}", id));
  }
  if (drawn.made_in == 0 || !step.contains("state")) return;
  // Every replica's copy moved alike.
  const cp::PerReplica<cp::Tensor> states =
      strategy.run([&](cp::ReplicaContext&) { return drawn.generator.state(); });
  for (std::size_t local = 0; local < states.size(); ++local) {
    report(compare_state(states[local], step.at("state")),
           fmt::format("replica {}", states.replica_id(local)));
  }
}

cp::Generator Player::twin(const json& step, const Voice& drawn, int replica_id) {
  if (drawn.made_in > 0) return drawn.generator.for_replica(replica_id);
  cp::Generator generator = plain_copy(drawn.generator);
  generator.skip(replica_id * cp::element_count(step.at("shape").get<cp::Shape>()));
  return generator;
}

void Player::change(const json& step, Where where) {
  const Change& operation = changes().at(step.at("op"));
  cp::Generator& generator = voice(step).generator;
  if (where == Where::run) {
    strategy_of(step).run([&](cp::ReplicaContext&) { operation(generator, step); });
  } else if (where == Where::scope) {
    const auto scope = strategy_of(step).scope();
    operation(generator, step);
  } else {
    operation(generator, step);
  }
}

void Player::split(const json& step, Where where) {
  if (where != Where::outside) throw Failure("splits are outside of strategies");
  const auto names = step.at("into").get<std::vector<std::string>>();
  auto children = voice(step).generator.split(static_cast<std::int64_t>(names.size()));
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (step.contains("states")) {
      report(compare_state(children[i].state(), step.at("states").at(i)),
             fmt::format("child '{}'", names[i]));
    }
    voices_.erase(names[i]);
    voices_.emplace(names[i], Voice{.generator = std::move(children[i])});
  }
}

void Player::save(const json& step) {
  const std::string name = step.at("name");
  const auto file = options_.folder / fmt::format("{}.h5", files_.size());
  cp::Checkpoint(world_, {{name, voice(step).generator}}).save(file);
  files_[name] = file;
}

void Player::restore(const json& step) {
  const std::string name = step.at("name");
  if (!files_.contains(name)) throw Failure(fmt::format("nothing was saved as '{}'", name));
  cp::Checkpoint(world_, {{name, voice(step).generator}}).restore(files_.at(name));
}

void Player::stateless(const json& step) {
  want_an_answer(step);
  const Stateless& function = stateless_functions().at(step.at("op"));
  const cp::Tensor got = function(step);
  const std::optional<NormalParts> parts = stateless_parts(step, got);
  report(compare(got, step, only_answer(step), parts ? &*parts : nullptr));
}

void Player::check_state(const json& step) {
  if (step.contains("state")) {
    report(compare_state(voice(step).generator.state(), step.at("state")));
  }
}

Player::Voice& Player::voice(const json& step) {
  const std::string name = step.at("gen");
  const auto found = voices_.find(name);
  if (found == voices_.end()) throw Failure(fmt::format("no generator '{}'", name));
  return found->second;
}

cp::MirroredStrategy& Player::strategy(int replicas) {
  if (replicas < 1) throw Failure("the case names no number of replicas");
  const int per_rank = options_.replicas_per_rank.value_or(replicas);
  const auto found = strategies_.find(replicas);
  if (found != strategies_.end()) return found->second;
  return strategies_
      .try_emplace(replicas, world_,
                   cp::StrategyOptions{.replicas_per_rank = per_rank,
                                       .timeout_seconds = timeout_seconds,
                                       .name = fmt::format("{} replicas", replicas)})
      .first->second;
}

cp::MirroredStrategy& Player::strategy_of(const json& step) {
  const int made_in = voice(step).made_in;
  return strategy(made_in > 0 ? made_in : replicas_);
}

void Player::report(const std::optional<std::string>& difference, const std::string& who) {
  if (!difference) return;
  failures_.push_back(who.empty() ? fmt::format("{}: {}", step_name_, *difference)
                                  : fmt::format("{}, {}: {}", step_name_, who, *difference));
}

}  // namespace golden
