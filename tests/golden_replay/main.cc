// Replays files of known answers on the library and says where it differs.
//
//   golden_replay tests/golden/strategies.json                      replicas as threads
//   golden_replay --replicas-per-rank 2 tests/golden/strategies.json  only cases of 2 replicas
//   mpirun -n 2 golden_replay --replicas-per-rank 2 tests/golden/strategies.json   only cases of 4
//
// Prints each step that fails and closes with "N passed, N failed, N skipped", in cases. The exit
// status is 0 if something was played and nothing failed. A case that names no number of replicas
// has plain generators only: every rank plays it. The format is described in
// tests/golden/README.md.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/error.h"
#include "golden_replay/case_file.h"
#include "golden_replay/player.h"

namespace {

namespace cp = counterpoint;

// A folder of the process's own, gone at the end.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = std::filesystem::temp_directory_path() / "golden_replay.XXXXXX";
    if (mkdtemp(name.data()) == nullptr) throw golden::Failure("cannot make " + name);
    path_ = name;
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string joined(const std::vector<std::string>& lines, const std::string& prefix) {
  std::string text;
  for (const std::string& line : lines) text += fmt::format("{}{}\n", prefix, line);
  return text;
}

// What all ranks have to say, in order of rank. Collective.
std::string of_all_ranks(cp::Communicator& world, const std::string& text) {
  std::vector<std::int64_t> longest = {static_cast<std::int64_t>(text.size())};
  world.all_reduce(std::span(longest), cp::Reduce::max);
  const auto length = static_cast<std::size_t>(longest[0]);
  if (length == 0) return {};
  std::vector<std::int32_t> mine(text.begin(), text.end());
  mine.resize(length, 0);
  std::vector<std::int32_t> all(length * static_cast<std::size_t>(world.size()));
  world.all_gather(std::span<const std::int32_t>(mine), std::span(all));
  std::string joined_text;
  for (const std::int32_t code : all) {
    if (code != 0) joined_text += static_cast<char>(code);
  }
  return joined_text;
}

struct Count {
  int passed = 0;
  int failed = 0;
  int skipped = 0;
};

class Replay {
 public:
  Replay(std::shared_ptr<cp::Communicator> world, std::optional<int> replicas_per_rank)
      : world_(std::move(world)),
        player_(world_, {.replicas_per_rank = replicas_per_rank, .folder = scratch_.path()}) {}

  void play_file(const std::string& file) {
    const std::string name = std::filesystem::path(file).filename();
    std::vector<golden::json> cases;
    try {
      cases = golden::read_cases(file);
    } catch (const golden::Failure& failure) {
      return settle(fmt::format("{}: {}\n", name, failure.what()));
    }
    for (const golden::json& one : cases) {
      if (!player_.can_play(one)) {
        ++count_.skipped;
        continue;
      }
      const std::string prefix = fmt::format("{}: {}: ", name, one.at("name").get<std::string>());
      const std::string prefix_of_rank =
          world_->size() == 1 ? prefix : fmt::format("rank {}: {}", world_->rank(), prefix);
      settle(joined(player_.play(one), prefix_of_rank));
    }
  }

  // The exit status.
  int close() {
    if (world_->rank() == 0) {
      if (count_.passed + count_.failed == 0) fmt::print("nothing was played\n");
      fmt::print("{} passed, {} failed, {} skipped\n", count_.passed, count_.failed,
                 count_.skipped);
    }
    return count_.failed == 0 && count_.passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
  }

 private:
  // Counts a case as failed where any rank has something to say. Collective.
  void settle(const std::string& failures) {
    const std::string all = of_all_ranks(*world_, failures);
    if (world_->rank() == 0) fmt::print("{}", all);
    ++(all.empty() ? count_.passed : count_.failed);
  }

  ScratchFolder scratch_;
  std::shared_ptr<cp::Communicator> world_;
  golden::Player player_;
  Count count_;
};

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto world = cp::Communicator::world(&argc, &argv);
    CLI::App app("Replays files of known answers");
    std::vector<std::string> files;
    std::optional<int> replicas_per_rank;
    app.add_option("--replicas-per-rank", replicas_per_rank,
                   "Replicas on each rank; cases of another number in all are skipped")
        ->check(CLI::PositiveNumber);
    app.add_option("FILE", files, "Files in the format of tests/golden")->required();
    CLI11_PARSE(app, argc, argv);

    if (world->size() > 1 && !replicas_per_rank) replicas_per_rank = 1;
    Replay replay(world, replicas_per_rank);
    for (const std::string& file : files) replay.play_file(file);
    return replay.close();
  } catch (const std::exception& error) {
    fmt::print(stderr, "golden_replay: {}\n", error.what());
    return EXIT_FAILURE;
  }
}
