// Making generators, and their states.
#include "counterpoint/runtime/generator.h"

#include <fmt/format.h>

#include <ostream>
#include <random>
#include <utility>

#include "counterpoint/runtime/context.h"
#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/internal/draw.h"
#include "counterpoint/runtime/internal/generator_parts.h"
#include "counterpoint/runtime/stream_domain.h"

namespace counterpoint::inline v1 {
namespace {

std::uint64_t entropy_word(std::random_device& device) {
  const std::uint64_t high = device();
  return high << 32 | device();
}

StreamState state_from_seed(const StreamDefinition& definition, const Seed& seed) {
  const std::vector<std::uint64_t> words = seed.state_words(definition.state_words());
  return StreamState::from_words(definition, std::vector<std::int64_t>(words.begin(), words.end()));
}

StreamState state_from_key_counter(const StreamDefinition& definition, std::int64_t key,
                                   std::span<const std::int64_t> counter) {
  if (counter.size() != static_cast<std::size_t>(definition.counter_words)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("a {} counter has {} words, not {}", definition.name,
                            definition.counter_words, counter.size()));
  }
  std::vector<std::int64_t> words(counter.begin(), counter.end());
  words.push_back(key);
  return StreamState::from_words(definition, words);
}

std::span<const std::int64_t> state_words_of(const Tensor& state) {
  if (state.shape().size() != 1) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("a state is a vector of i64, not of shape {}", shape_to_string(state.shape())));
  }
  return state.values<std::int64_t>();
}

CallRecord state_record(Operation operation, const StreamState& state,
                        const std::source_location& location) {
  return {.operation = operation,
          .dtype = DType::i64,
          .shape = {},
          .scalars = {state.counter.low ^ mix_digest(0, state.counter.high), state.key},
          .location = location};
}

}  // namespace

std::shared_ptr<StateStore> make_store(const StreamDefinition& definition, const StreamState& state,
                                       StreamOrigin origin, const StreamLayout& layout) {
  const Context& context = current_context();
  if (context.tracer != nullptr) {
    throw Error(ErrorCode::failed_precondition,
                "a generator cannot be made here while the function is traced; make it outside and "
                "capture it");
  }
  if (context.domain != nullptr) {
    return context.domain->make_store(context, definition, state, std::move(origin), layout);
  }
  if (!layout.is_per_replica()) {
    throw Error(
        ErrorCode::failed_precondition,
        "streams that replicas share are laid out in a strategy's scope; make the generator there");
  }
  return std::make_shared<PlainStore>(definition, state, std::move(origin));
}

Generator::Generator(std::shared_ptr<StateStore> store) : store_(std::move(store)) {}
Generator::Generator(Generator&&) noexcept = default;
Generator& Generator::operator=(Generator&&) noexcept = default;
Generator::~Generator() = default;

Generator Generator::make(const StreamDefinition& definition, const StreamState& state,
                          GeneratorOptions options, const Location& location) {
  return Generator(make_store(definition, state,
                              StreamOrigin{.name = std::move(options.name), .location = location},
                              options.streams));
}

Generator Generator::from_seed(const Seed& seed, GeneratorOptions options, Location location) {
  const StreamDefinition& definition = stream_definition(options.algorithm);
  return make(definition, state_from_seed(definition, seed), std::move(options), location);
}

Generator Generator::from_seed(const Seed& seed, AlgorithmName algorithm, Location location) {
  return from_seed(seed, GeneratorOptions{.algorithm = std::move(algorithm)}, location);
}

Generator Generator::from_non_deterministic_state(GeneratorOptions options, Location location) {
  const StreamDefinition& definition = stream_definition(options.algorithm);
  StreamOrigin origin{.name = std::move(options.name), .location = location};
  const Context& context = current_context();
  StreamState state;
  if (context.domain != nullptr) {
    state = context.domain->entropy_state(context, origin);
  } else {
    std::random_device device;
    state = {.counter = {entropy_word(device), entropy_word(device)}, .key = entropy_word(device)};
  }
  if (definition.counter_words == 1) state.counter.high = 0;
  return Generator(make_store(definition, state, std::move(origin), options.streams));
}

Generator Generator::from_state(std::span<const std::int64_t> state, GeneratorOptions options,
                                Location location) {
  const StreamDefinition& definition = stream_definition(options.algorithm);
  return make(definition, StreamState::from_words(definition, state), std::move(options), location);
}

Generator Generator::from_state(const Tensor& state, GeneratorOptions options, Location location) {
  return from_state(state_words_of(state), std::move(options), location);
}

Generator Generator::from_key_counter(std::int64_t key, std::span<const std::int64_t> counter,
                                      GeneratorOptions options, Location location) {
  const StreamDefinition& definition = stream_definition(options.algorithm);
  return make(definition, state_from_key_counter(definition, key, counter), std::move(options),
              location);
}

Generator Generator::copy_of(const Generator& other, std::string name, Location location) {
  GeneratorOptions options{.name = std::move(name)};
  if (current_context().domain != nullptr) options.streams = other.store_->layout();
  return make(other.definition(), other.store_->read(current_context()), std::move(options),
              location);
}

const StreamDefinition& Generator::definition() const { return store_->definition(); }

Algorithm Generator::algorithm() const { return static_cast<Algorithm>(definition().id); }

Tensor Generator::state() const {
  const std::vector<std::int64_t> words = store_->read(current_context()).words(definition());
  return Tensor::from<std::int64_t>(words, {static_cast<std::int64_t>(words.size())});
}

std::int64_t Generator::key() const {
  return static_cast<std::int64_t>(store_->read(current_context()).key);
}

void Generator::assign(const StreamState& state, const Location& location) {
  const Context& context = current_context();
  check_not_tracing(context, "reset");
  store_->assign(context, state_record(Operation::reset, state, location), state);
}

void Generator::reset(std::span<const std::int64_t> state, Location location) {
  assign(StreamState::from_words(definition(), state), location);
}

void Generator::reset(const Tensor& state, Location location) {
  reset(state_words_of(state), location);
}

void Generator::reset_from_seed(const Seed& seed, Location location) {
  assign(state_from_seed(definition(), seed), location);
}

void Generator::reset_from_key_counter(std::int64_t key, std::span<const std::int64_t> counter,
                                       Location location) {
  assign(state_from_key_counter(definition(), key, counter), location);
}

Generator Generator::for_replica(std::int64_t replica_id, Location location) const {
  if (replica_id < 0) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("replica ids are 0 or more, not {}", replica_id));
  }
  StreamState state = store_->read(current_context());
  if (const auto stream = store_->layout().stream_of(replica_id)) {
    state.key = definition().derive_key(state.key, *stream);
  }
  return Generator(std::make_shared<PlainStore>(definition(), state,
                                                StreamOrigin{.name = {}, .location = location},
                                                PlainStore::Sharing::private_to_owner));
}

std::string Generator::to_string() const {
  const std::vector<std::int64_t> words = store_->read(current_context()).words(definition());
  std::string text = fmt::format("{} generator, counter", definition().name);
  for (std::size_t i = 0; i + 1 < words.size(); ++i) text += fmt::format(" {}", words[i]);
  return text + fmt::format(", key {}", words.back());
}

std::ostream& operator<<(std::ostream& stream, const Generator& generator) {
  return stream << generator.to_string();
}

}  // namespace counterpoint::inline v1
