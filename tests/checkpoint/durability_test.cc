// A save that is killed or loses power at any call leaves one whole generation: the one before, or
// the new one; and after a save that returned, the new one.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include "checkpoint/faulty_files.h"
#include "checkpoint/numbered_files.h"

namespace checkpoint_tests {
namespace {

std::vector<std::string> calls_of_a_save(const std::string& path) {
  auto files = std::make_shared<FaultyFiles>();
  save(path, 1, files);
  return files->calls;
}

TEST(Durability, OfASaveIsTheseCalls) {
  const TemporaryFolder folder;
  EXPECT_EQ(calls_of_a_save(folder / "a.h5"),
            (std::vector<std::string>{"status of", "open", "create", "lock", "status", "status of",
                                      "write", "sync", "rename", "open folder", "sync", "close",
                                      "close"}));
}

enum class Kill { before, after, half_way };

// In a child, so that the kill is real. Returns whether it was killed.
bool save_in_child(const std::string& path, std::int64_t number, int at, Kill kill) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto files = std::make_shared<FaultyFiles>();
    files->decide = [&](const std::string& call, int n) {
      if (n == at && kill == Kill::before) ::raise(SIGKILL);
      files->most_bytes = n == at && kill == Kill::half_way && call == "write" ? 4000 : SIZE_MAX;
      return 0;
    };
    files->after = [&] {
      if (static_cast<int>(files->calls.size()) == at + 1 && kill != Kill::before) ::raise(SIGKILL);
    };
    save(path, number, files);
    ::_exit(0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

TEST(Durability, SurvivesAKillAtEverySystemCall) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  const int calls = static_cast<int>(calls_of_a_save(path).size());
  std::int64_t last = 1;
  for (const Kill kill : {Kill::before, Kill::after, Kill::half_way}) {
    for (int at = 0; at < calls; ++at) {
      ASSERT_TRUE(save_in_child(path, last + 1, at, kill)) << at;
      const std::int64_t found = restored(path);
      EXPECT_TRUE(found == last || found == last + 1) << "killed at call " << at;
      save(path, ++last, nullptr);  // past what the killed one left behind
      EXPECT_EQ(restored(path), last);
      EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"a.h5"}));
    }
  }
}

// Calls from `at` on do nothing, as after a kill; then power is lost.
std::vector<std::int64_t> generations_after_power_loss(MemoryDisk& disk_settings, int at,
                                                       bool* returned) {
  std::vector<std::int64_t> found;
  for (const bool keep_names : {false, true}) {
    for (const bool keep_data : {false, true}) {
      auto disk = std::make_shared<MemoryDisk>();
      save("run/a.h5", 1, disk);
      disk->file_syncs_work = disk_settings.file_syncs_work;
      disk->folder_syncs_work = disk_settings.folder_syncs_work;
      auto files = std::make_shared<FaultyFiles>(*disk);
      files->decide = [&](const std::string&, int n) { return n >= at ? -EIO : 0; };
      cp::Tensor tensor = generation(2);
      cp::Checkpoint checkpoint(one_rank(), {{"tensor", tensor}}, files);
      *returned = false;
      try {
        *returned = checkpoint.save("run/a.h5").durability == cp::Durability::durable;
      } catch (const cp::Error&) {
      }
      disk->lose_power(keep_names, keep_data);
      try {
        found.push_back(restored("run/a.h5", disk));
      } catch (const cp::Error&) {
        found.push_back(0);  // nothing whole
      }
    }
  }
  return found;
}

TEST(Durability, SurvivesALossOfPowerAtEveryCall) {
  MemoryDisk honest;
  bool ever_returned = false;
  for (int at = 0; at < 14; ++at) {
    bool returned = false;
    for (const std::int64_t found : generations_after_power_loss(honest, at, &returned)) {
      EXPECT_TRUE(found == 2 || (found == 1 && !returned)) << found << " after call " << at;
    }
    ever_returned |= returned;
  }
  EXPECT_TRUE(ever_returned);
}

// Without either sync the promise breaks: neither is there for nothing.
TEST(Durability, NeedsBothSyncs) {
  bool returned = false;
  MemoryDisk without_file_syncs;
  without_file_syncs.file_syncs_work = false;
  EXPECT_THAT(generations_after_power_loss(without_file_syncs, 100, &returned),
              testing::Contains(0));
  EXPECT_TRUE(returned);
  MemoryDisk without_folder_syncs;
  without_folder_syncs.folder_syncs_work = false;
  EXPECT_THAT(generations_after_power_loss(without_folder_syncs, 100, &returned),
              testing::Contains(1));
  EXPECT_TRUE(returned);
}

}  // namespace
}  // namespace checkpoint_tests
