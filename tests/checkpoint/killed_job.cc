// A training of several ranks that somebody kills, and what is left of it. For kill_ranks.py.
//
//   mpirun -n 2 killed_job train FOLDER REPLICAS_PER_RANK LOG [early]
//   killed_job look FOLDER REPLICAS
//
// Trains and saves for ever. Each rank adds lines to LOG, which a kill does not take back: "rank R is
// process P", "rank R begins at STEP", "rank R saved STEP" when that save has returned. With "early" a
// checkpoint is renamed before it is written, which kills must show.
// Looking says "found STEP" if the folder's latest is one complete generation, or what it is instead.
#include <fcntl.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <string_view>

#include "checkpoint/faulty_files.h"
#include "checkpoint/generations.h"
#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint_manager.h"

namespace checkpoint_tests {
namespace {

constexpr std::int64_t elements = 300'000;  // written by more than one call

// A file that is visible before it is written.
std::shared_ptr<cp::FileOperations> renaming_early(const std::string& folder) {
  auto files = std::make_shared<FaultyFiles>();
  files->decide = [folder](const std::string& call, int) {
    if (call == "rename") return 1;  // done already
    if (call != "write") return 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const std::string name = entry.path().filename().string();
      if (!name.ends_with(".tmp")) continue;
      std::filesystem::rename(entry.path(), folder + "/" + name.substr(1, name.size() - 5));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return 0;
  };
  return files;
}

[[noreturn]] void train(const std::shared_ptr<cp::Communicator>& world, const std::string& folder,
                        int replicas, const std::string& log, bool early) {
  const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  const auto say = [&](const std::string& what) {
    const std::string line = fmt::format("rank {} {}\n", world->rank(), what);
    if (::write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(1);
  };
  say(fmt::format("is process {}", ::getpid()));
  Generations training(world, replicas, elements);
  cp::CheckpointManager manager(world, folder, training.objects(),
                                {.keep = 2, .files = early ? renaming_early(folder) : nullptr});
  manager.restore_latest();
  say(fmt::format("begins at {}", training.step()));
  for (;;) {
    training.advance();
    if (training.step() % 3 == 0) {
      manager.save(training.step());
      say(fmt::format("saved {}", training.step()));
    } else {
      if (!manager.wait().path.empty()) say(fmt::format("saved {}", training.step() - 1));
      manager.save_async(training.step());
    }
  }
}

int look(const std::string& folder, int replicas) {
  Generations training(one_rank(), replicas, elements);
  cp::CheckpointManager manager(one_rank(), folder, training.objects());
  manager.restore_latest();
  const bool whole = training.whole() && manager.last_restore().skipped.empty();
  if (whole) {
    std::printf("found %lld\n", static_cast<long long>(training.step()));
  } else {
    std::printf("a mixture, or damage: step %lld\n%s", static_cast<long long>(training.step()),
                manager.last_restore().to_string().c_str());
  }
  return whole ? 0 : 1;
}

}  // namespace
}  // namespace checkpoint_tests

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  try {
    if (what == "look" && argc == 4) return checkpoint_tests::look(argv[2], std::atoi(argv[3]));
    if (what == "train" && argc >= 5) {
      const auto world = counterpoint::Communicator::world(&argc, &argv);
      checkpoint_tests::train(world, argv[2], std::atoi(argv[3]), argv[4], argc == 6);
    }
  } catch (const counterpoint::Error& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
  std::fprintf(stderr, "killed_job: see the first lines of its source\n");
  return 2;
}
