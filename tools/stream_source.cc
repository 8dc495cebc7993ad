#include "stream_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <optional>
#include <utility>

#include "counterpoint/checkpoint/checkpoint_file.h"
#include "counterpoint/runtime/generator.h"
#include "exit_codes.h"

namespace counterpoint::tools {
namespace {

constexpr std::int64_t max_replicas = 1 << 20;

// What a checkpoint holds of a generator.
struct SavedGenerator {
  std::string object;  // its path
  std::string algorithm;
  std::vector<std::int64_t> words;
  std::vector<std::int64_t> replica_words;  // one state after the other, where replicas differ

  std::int64_t num_replicas() const {
    return static_cast<std::int64_t>(replica_words.size() / words.size());
  }
  Generator generator() const { return Generator::from_state(words, {.algorithm = algorithm}); }
  Generator of_replica(std::int64_t id) const {
    if (replica_words.empty()) return generator();
    const std::span<const std::int64_t> one =
        std::span(replica_words).subspan(static_cast<std::size_t>(id) * words.size(), words.size());
    return Generator::from_state(one, {.algorithm = algorithm});
  }
};

// Paths of the generators in `object`, which is at `path`.
void find_generators(const std::string& path, const SavedObject& object,
                     std::vector<std::string>& found) {
  if (object.type == "generator") found.push_back(path);
  for (const auto& [name, member] : object.members) {
    find_generators(path + "/" + name, member, found);
  }
}

// The object at a path of names, or null.
const SavedObject* object_at(const SavedObject& object, std::string_view path) {
  if (path.empty()) return &object;
  const std::string_view name = path.substr(0, path.find('/'));
  const auto member = object.members.find(std::string(name));
  if (member == object.members.end()) return nullptr;
  return object_at(member->second,
                   name.size() == path.size() ? std::string_view() : path.substr(name.size() + 1));
}

SavedGenerator read_generator(const StreamOptions& options) {
  const CheckpointFile file(options.checkpoint, options.limits.memory_bytes);
  std::vector<std::string> generators;
  SavedObject root{.type = "checkpoint", .attributes = {}, .values = {}, .members = {}};
  for (const std::string& name : file.names()) {
    SavedObject object = file.read(name);
    find_generators(name, object, generators);
    root.members.emplace(name, std::move(object));
  }
  std::string path = options.object;
  if (path.empty() && generators.size() == 1) path = generators.front();
  const SavedObject* object = path.empty() ? nullptr : object_at(root, path);
  if (object == nullptr || object->type != "generator") {
    const std::string problem = path.empty() ? "which object? --object names it"
                                : object == nullptr
                                    ? fmt::format("has no object '{}'", path)
                                    : fmt::format("'{}' is a {}, no generator", path, object->type);
    throw UsageError(
        fmt::format("{}: {}; its generators are: {}", options.checkpoint, problem,
                    generators.empty() ? "none" : fmt::format("{}", fmt::join(generators, ", "))));
  }
  const auto algorithm = object->attributes.find("algorithm");
  const auto state = object->values.find("state");
  const auto replicas = object->values.find("replica_states");
  const auto is_whole = [&] {
    if (algorithm == object->attributes.end() || state == object->values.end() ||
        !std::holds_alternative<std::string>(algorithm->second) ||
        state->second.dtype() != DType::i64 || state->second.size() == 0) {
      return false;
    }
    return replicas == object->values.end() ||
           (replicas->second.dtype() == DType::i64 && replicas->second.shape().size() == 2 &&
            replicas->second.shape()[0] > 0 && replicas->second.shape()[1] == state->second.size());
  };
  if (!is_whole()) {
    throw Error(ErrorCode::data_loss,
                fmt::format("{}: '{}' is no whole generator", options.checkpoint, path));
  }
  const auto words_of = [](const Tensor& tensor) {
    const std::span<const std::int64_t> words = tensor.values<std::int64_t>();
    return std::vector<std::int64_t>(words.begin(), words.end());
  };
  SavedGenerator saved{.object = path,
                       .algorithm = std::get<std::string>(algorithm->second),
                       .words = words_of(state->second),
                       .replica_words = {}};
  if (replicas != object->values.end()) saved.replica_words = words_of(replicas->second);
  return saved;
}

SavedGenerator generator_in_checkpoint(const StreamOptions& options) {
  std::string answer;
  const int status = in_sandbox(options.limits, options.checkpoint, answer, [&](std::string& text) {
    const SavedGenerator saved = read_generator(options);
    text = fmt::format("{};{};{};{}", saved.algorithm, fmt::join(saved.words, ","),
                       fmt::join(saved.replica_words, ","), saved.object);
    return static_cast<int>(ok);
  });
  if (status != ok) throw ReadFailed{.status = status};
  std::string_view rest = answer;
  const auto next = [&] {
    const std::size_t end = rest.find(';');
    if (end == std::string_view::npos) throw ReadFailed{.status = bad_file};
    const std::string part(rest.substr(0, end));
    rest.remove_prefix(end + 1);
    return part;
  };
  const std::string algorithm = next();
  const std::string words = next();
  const std::string replica_words = next();
  SavedGenerator saved{.object = std::string(rest),
                       .algorithm = algorithm,
                       .words = integers("checkpoint", words),
                       .replica_words = {}};
  if (!replica_words.empty()) saved.replica_words = integers("checkpoint", replica_words);
  return saved;
}

Seed seed_from(const std::string& text) {
  const bool is_vector = text.find_first_of(",[") != std::string::npos;
  return is_vector ? Seed(integers("seed", text)) : Seed::integer(text);
}

Generator generator_from(const StreamOptions& options) {
  const GeneratorOptions made{.algorithm =
                                  options.algorithm.empty() ? "philox" : options.algorithm};
  if (!options.state.empty()) return Generator::from_state(integers("state", options.state), made);
  return Generator::from_seed(seed_from(options.seed), made);
}

StatelessSeed stateless_seed_from(const std::string& text) {
  return StatelessSeed(std::span<const std::int64_t>(integers("stateless-seed", text)));
}

DrawSource scrambled(const StreamDefinition& definition, const StatelessSeed& seed) {
  DrawSource source{.state = {}, .seed = seed};
  definition.scramble_seed(seed.words().data(), &source.state.key, &source.state.counter);
  return source;
}

DrawSource source_of(Generator& generator, bool stateless) {
  if (stateless) {
    const Tensor seeds = generator.make_seeds(1);
    return scrambled(generator.definition(),
                     StatelessSeed(seeds.item<std::int64_t>(0), seeds.item<std::int64_t>(1)));
  }
  const Tensor state = generator.state();
  return {.state = StreamState::from_words(generator.definition(), state.values<std::int64_t>()),
          .seed = std::nullopt};
}

}  // namespace

ReplicaRange replica_range(const std::string& text) {
  const std::size_t colon = text.find(':');
  const auto id = [&](std::string_view part) {
    std::int64_t value = -1;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc() || end != part.data() + part.size() || value < 0) {
      throw UsageError(fmt::format(
          "replicas are an id of 0 or more, or FIRST:END as 0:8 for 0 to 7, not '{}'", text));
    }
    return value;
  };
  const std::string_view view = text;
  ReplicaRange range{.first = id(view.substr(0, colon)), .end = 0};
  if (colon == std::string::npos) {
    range.end = range.first;
    if (__builtin_add_overflow(range.first, 1, &range.end)) {
      throw UsageError(fmt::format("replica {} is beyond the largest id", range.first));
    }
    return range;
  }
  range.end = id(view.substr(colon + 1));
  if (range.end <= range.first || range.end - range.first > max_replicas) {
    throw UsageError(fmt::format("replicas {} are none, or more than {}", text, max_replicas));
  }
  return range;
}

namespace {

// Of a checkpoint's generator. Where its replicas differ each has a state of its own.
Streams streams_of_checkpoint(const StreamOptions& options, bool stateless) {
  const SavedGenerator saved = generator_in_checkpoint(options);
  Streams streams;
  const auto add = [&](Generator generator, std::optional<std::int64_t> replica_id) {
    generator.skip(options.skip);
    Generator view = replica_id ? generator.for_replica(*replica_id) : std::move(generator);
    streams.definition = &view.definition();
    streams.sources.push_back(source_of(view, stateless));
  };
  if (options.replicas.empty()) {
    add(saved.generator(), std::nullopt);
    if (!saved.replica_words.empty()) {
      streams.note = fmt::format(
          "{}: '{}' holds a state for each of {} replicas, which differ: these are the numbers "
          "from the state of replica 0, as drawn outside of a run; --replica 0:{} draws theirs",
          options.checkpoint, saved.object, saved.num_replicas(), saved.num_replicas());
    }
    return streams;
  }
  const ReplicaRange range = replica_range(options.replicas);
  if (!saved.replica_words.empty() && range.end > saved.num_replicas()) {
    throw UsageError(
        fmt::format("{}: '{}' holds a state for each of {} replicas, and none of "
                    "replica {}",
                    options.checkpoint, saved.object, saved.num_replicas(), range.end - 1));
  }
  for (std::int64_t id = range.first; id < range.end; ++id) add(saved.of_replica(id), id);
  return streams;
}

}  // namespace

Streams streams_of(const StreamOptions& options, bool stateless) {
  if (!options.stateless_seed.empty()) {
    if (!options.replicas.empty() || options.skip != 0) {
      throw UsageError(
          "a stateless draw has no replicas and skips nothing: fold them into its seed");
    }
    const StreamDefinition& definition =
        stream_definition(options.algorithm.empty() ? "philox" : options.algorithm);
    return {.definition = &definition,
            .sources = {scrambled(definition, stateless_seed_from(options.stateless_seed))}};
  }
  if (!options.checkpoint.empty()) return streams_of_checkpoint(options, stateless);
  Generator generator = generator_from(options);
  generator.skip(options.skip);
  Streams streams{.definition = &generator.definition(), .sources = {}};
  if (options.replicas.empty()) {
    streams.sources.push_back(source_of(generator, stateless));
    return streams;
  }
  const ReplicaRange range = replica_range(options.replicas);
  for (std::int64_t id = range.first; id < range.end; ++id) {
    Generator view = generator.for_replica(id);
    streams.sources.push_back(source_of(view, stateless));
  }
  return streams;
}

}  // namespace counterpoint::tools
