#include "stream_source.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <utility>

#include "counterpoint/runtime/generator.h"
#include "exit_codes.h"
#include "saved_generator.h"

namespace counterpoint::tools {
namespace {

constexpr std::int64_t max_replicas = 1 << 20;

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
  const SavedGenerator saved = saved_generator(options);
  Streams streams;
  const auto add = [&](Generator generator, std::optional<std::int64_t> replica_id) {
    generator.skip(options.skip);
    Generator view = replica_id ? generator.for_replica(*replica_id) : std::move(generator);
    streams.definition = &view.definition();
    streams.sources.push_back(source_of(view, stateless));
  };
  if (options.replicas.empty()) {
    add(saved.generator(0), std::nullopt);
    if (saved.num_replicas != 0) {
      streams.note = fmt::format(
          "{}: '{}' holds a state for each of {} replicas, which differ: these are the numbers "
          "from the state of replica 0, as drawn outside of a run; --replica 0:{} draws theirs",
          options.checkpoint, saved.object, saved.num_replicas, saved.num_replicas);
    }
    return streams;
  }
  const ReplicaRange range = replica_range(options.replicas);
  for (std::int64_t id = range.first; id < range.end; ++id) {
    add(saved.generator(saved.num_replicas == 0 ? 0 : id - range.first), id);
  }
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
