// What a checkpoint holds of a generator: its algorithm and its primary state.
#include <fmt/format.h>

#include <utility>

#include "counterpoint/runtime/context.h"
#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/runtime/internal/saved_replicas.h"
#include "counterpoint/runtime/state_store.h"

namespace counterpoint::inline v1 {
namespace {

CallRecord record_of(std::span<const StreamState> states) {
  CallRecord record{.operation = Operation::restore,
                    .dtype = DType::i64,
                    .shape = {},
                    .scalars = {},
                    .location = std::source_location::current()};
  for (const StreamState& state : states) {
    record.scalars[0] =
        mix_digest(mix_digest(record.scalars[0], state.counter.low), state.counter.high);
    record.scalars[1] = mix_digest(record.scalars[1], state.key);
  }
  return record;
}

class PendingState final : public PendingRestore {
 public:
  PendingState(std::shared_ptr<StateStore> store, const StreamState& state, RestoreOutcome outcome)
      : store_(std::move(store)), state_(state), outcome_(outcome) {}

  RestoreOutcome outcome() const noexcept override { return outcome_; }

  void commit() noexcept override {
    store_->assign(current_context(), record_of(std::span(&state_, 1)), state_);
  }

 private:
  std::shared_ptr<StateStore> store_;
  StreamState state_;
  RestoreOutcome outcome_;
};

// A state for each replica, where a strategy saved replicas that differed.
class PendingStates final : public PendingRestore {
 public:
  PendingStates(std::shared_ptr<StateStore> store, std::vector<StreamState> states)
      : store_(std::move(store)), states_(std::move(states)) {}

  RestoreOutcome outcome() const noexcept override { return RestoreOutcome::exact; }

  void commit() noexcept override {
    store_->assign_each(current_context(), record_of(states_), states_);
  }

 private:
  std::shared_ptr<StateStore> store_;
  std::vector<StreamState> states_;
};

// Errors: invalid_argument unless `saved` is [replicas, state words] i64.
std::vector<StreamState> states_of_replicas(const StreamDefinition& definition,
                                            const Tensor& saved) {
  const auto words = static_cast<std::size_t>(definition.state_words());
  if (saved.dtype() != DType::i64 || saved.shape().size() != 2 || saved.shape()[0] < 1 ||
      saved.shape()[1] != definition.state_words()) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("holds {} {} where states of replicas are i64 [replicas, {}]",
                            dtype_name(saved.dtype()), shape_to_string(saved.shape()), words));
  }
  std::vector<StreamState> states;
  const auto values = saved.values<std::int64_t>();
  for (std::size_t at = 0; at < values.size(); at += words) {
    states.push_back(StreamState::from_words(definition, values.subspan(at, words)));
  }
  return states;
}

class SaveableGenerator final : public Saveable {
 public:
  explicit SaveableGenerator(std::shared_ptr<StateStore> store) : store_(std::move(store)) {}

  SavedObject save() const override {
    const StreamDefinition& definition = store_->definition();
    const std::vector<std::int64_t> words = store_->read(current_context()).words(definition);
    SavedObject saved;
    saved.type = "generator";
    saved.attributes.emplace("algorithm", std::string(definition.name));
    saved.attributes.emplace("replicas", static_cast<std::int64_t>(store_->num_replicas()));
    saved.values.emplace(
        "state", Tensor::from<std::int64_t>(words, {static_cast<std::int64_t>(words.size())}));
    if (const std::vector<StreamState> states = store_->replica_states(); !states.empty()) {
      std::vector<std::int64_t> all;
      for (const StreamState& state : states) {
        const std::vector<std::int64_t> one = state.words(definition);
        all.insert(all.end(), one.begin(), one.end());
      }
      saved.values.emplace("replica_states", Tensor::from<std::int64_t>(
                                                 all, {static_cast<std::int64_t>(states.size()),
                                                       static_cast<std::int64_t>(words.size())}));
    }
    return saved;
  }

  std::unique_ptr<PendingRestore> prepare(const SavedObject& saved) override {
    const StreamDefinition& definition = store_->definition();
    if (saved.type != "generator") {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("holds a {}, but a generator is to be restored", saved.type));
    }
    const auto algorithm = saved.attributes.find("algorithm");
    const std::string* name = algorithm == saved.attributes.end()
                                  ? nullptr
                                  : std::get_if<std::string>(&algorithm->second);
    if (name == nullptr || *name != definition.name) {
      throw Error(
          ErrorCode::invalid_argument,
          fmt::format("was saved by a {} generator, but the one to restore is {}; make it with "
                      "the algorithm of the file",
                      name == nullptr ? "nameless" : *name, definition.name));
    }
    const auto found = saved.values.find("state");
    if (found == saved.values.end()) {
      throw Error(ErrorCode::invalid_argument, "a generator without a state");
    }
    const StreamState state =
        StreamState::from_words(definition, found->second.values<std::int64_t>());
    store_->check_assignable(current_context());
    if (const auto each = saved.values.find("replica_states"); each != saved.values.end()) {
      std::vector<StreamState> states = states_of_replicas(definition, each->second);
      saved_replicas(saved, static_cast<std::int64_t>(states.size()));
      store_->check_each_assignable(current_context(), static_cast<std::int64_t>(states.size()));
      return std::make_unique<PendingStates>(store_, std::move(states));
    }

    const bool same = saved_replicas(saved) == store_->num_replicas();
    return std::make_unique<PendingState>(store_, state,
                                          same ? RestoreOutcome::exact : RestoreOutcome::derived);
  }

  const void* target() const noexcept override { return store_.get(); }

  void ensure_in_step(const std::source_location& location,
                      const ValueReader& /*reader*/) override {
    store_->ensure_in_step(location);
  }
  void begin_restore(const std::source_location& location) override {
    store_->begin_restore(location);
  }
  std::optional<double> timeout_seconds() const noexcept override {
    return store_->timeout_seconds();
  }

 private:
  std::shared_ptr<StateStore> store_;
};

}  // namespace

std::shared_ptr<Saveable> Generator::saveable() const {
  return std::make_shared<SaveableGenerator>(store_);
}

}  // namespace counterpoint::inline v1
