#include "saved_generator.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <exception>
#include <span>
#include <stdexcept>
#include <utility>

#include "checkpoint_paths.h"
#include "counterpoint/checkpoint/checkpoint_file.h"
#include "exit_codes.h"
#include "restorable.h"

namespace counterpoint::tools {
namespace {

constexpr std::size_t max_name_bytes = std::size_t{64} << 10;
constexpr std::size_t max_word_bytes = 21;  // "-9223372036854775808,"

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

// The words of the states asked for, of a generator that is whole.
std::vector<std::int64_t> words_asked_for(const SavedObject& object, const std::string& path,
                                          const StreamOptions& options) {
  std::span<const std::int64_t> words = object.values.at("state").values<std::int64_t>();
  const auto replicas = object.values.find("replica_states");
  if (replicas != object.values.end() && !options.replicas.empty()) {
    const ReplicaRange range = replica_range(options.replicas);
    const std::int64_t num_replicas = replicas->second.shape()[0];
    if (range.end > num_replicas) {
      throw UsageError(
          fmt::format("{}: '{}' holds a state for each of {} replicas, and none of replica {}",
                      options.checkpoint, path, num_replicas, range.end - 1));
    }
    const std::size_t size = words.size();
    words = replicas->second.values<std::int64_t>().subspan(
        static_cast<std::size_t>(range.first) * size,
        static_cast<std::size_t>(range.end - range.first) * size);
  }
  return {words.begin(), words.end()};
}

SavedGenerator read(const StreamOptions& options) {
  require_readable(options.checkpoint);
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
  require_restorable(options.checkpoint, path, *object);
  const auto replicas = object->values.find("replica_states");
  return {.algorithm = std::get<std::string>(object->attributes.at("algorithm")),
          .num_replicas = replicas == object->values.end() ? 0 : replicas->second.shape()[0],
          .words = words_asked_for(*object, path, options),
          .object = path};
}

std::int64_t states_asked_for(const StreamOptions& options) {
  if (options.replicas.empty()) return 1;
  const ReplicaRange range = replica_range(options.replicas);
  return range.end - range.first;
}

SavedGenerator parse(std::string_view answer, const StreamOptions& options) {
  const auto next = [&] {
    const std::size_t end = answer.find(';');
    if (end == std::string_view::npos) throw std::invalid_argument("it breaks off");
    const std::string_view part = answer.substr(0, end);
    answer.remove_prefix(end + 1);
    return part;
  };
  const std::string_view algorithm = next();
  const std::vector<std::int64_t> num_replicas = integers("checkpoint", next());
  SavedGenerator saved{.algorithm = std::string(algorithm),
                       .num_replicas = num_replicas.at(0),
                       .words = integers("checkpoint", next()),
                       .object = std::string(answer)};
  if (saved.num_replicas < 0) throw std::invalid_argument("fewer than no replicas");
  const auto state_words =
      static_cast<std::size_t>(stream_definition(saved.algorithm).state_words());
  const auto states =
      static_cast<std::size_t>(saved.num_replicas == 0 ? 1 : states_asked_for(options));
  if (saved.words.size() != states * state_words) {
    throw std::invalid_argument(
        fmt::format("{} words for {} states of {}", saved.words.size(), states, state_words));
  }
  return saved;
}

}  // namespace

Generator SavedGenerator::generator(std::int64_t index) const {
  const auto size = static_cast<std::size_t>(stream_definition(algorithm).state_words());
  return Generator::from_state(
      std::span(words).subspan(static_cast<std::size_t>(index) * size, size),
      {.algorithm = algorithm});
}

std::string to_answer(const SavedGenerator& saved) {
  return fmt::format("{};{};{};{}", saved.algorithm, saved.num_replicas,
                     fmt::join(saved.words, ","), saved.object);
}

SavedGenerator from_answer(std::string_view answer, const StreamOptions& options) {
  try {
    return parse(answer, options);
  } catch (const std::exception& error) {
    complain(
        fmt::format("{}: what the child process that read it says is no generator ({}): the "
                    "file was made to do that, or it is a fault of this command to report",
                    options.checkpoint, error.what()));
    throw ReadFailed{.status = bad_file};
  }
}

SavedGenerator saved_generator(const StreamOptions& options) {
  constexpr std::size_t max_state_words = 4;  // Philox has 3, ThreeFry 2
  const std::size_t most = max_name_bytes + static_cast<std::size_t>(states_asked_for(options)) *
                                                max_state_words * max_word_bytes;
  std::string answer;
  const auto read_here = [&](std::string& text) {
    text = to_answer(read(options));
    return static_cast<int>(ok);
  };
  const int status = in_sandbox(options.limits, options.checkpoint, answer, read_here, most);
  if (status != ok) throw ReadFailed{.status = status};
  return from_answer(answer, options);
}

}  // namespace counterpoint::tools
