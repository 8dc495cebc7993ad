// What a manager's folder outlives: children that were forked, another working directory, a slow
// disk at the end.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <thread>

#include "checkpoint/faulty_files.h"
#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/checkpoint/checkpoint_manager.h"

namespace checkpoint_tests {
namespace {

// A child that lives until this goes, as a data loader would; `body` runs in it first.
class Child {
 public:
  template <class Body>
  explicit Child(Body body) {
    EXPECT_EQ(::pipe(pipe_.data()), 0);
    EXPECT_EQ(::pipe(ready_.data()), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(pipe_[1]);
      body();
      char byte = 0;
      (void)!::write(ready_[1], &byte, 1);
      (void)!::read(pipe_[0], &byte, 1);  // until the other end is closed
      ::_exit(0);
    }
    char byte = 0;
    EXPECT_EQ(::read(ready_[0], &byte, 1), 1);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    ::close(pipe_[1]);
    EXPECT_EQ(::waitpid(pid_, nullptr, 0), pid_);
    for (const int fd : {pipe_[0], ready_[0], ready_[1]}) ::close(fd);
  }

 private:
  std::array<int, 2> pipe_{};
  std::array<int, 2> ready_{};
  pid_t pid_ = 0;
};

bool is_free(const std::string& folder) {
  std::int64_t value = 1;
  const internal::Attempt attempt = internal::attempting([&] {
    cp::CheckpointManager(one_rank(), folder, {{"value", value}}, {.lock_timeout_seconds = 0});
  });
  if (attempt) {
    EXPECT_EQ(attempt->code(), cp::ErrorCode::unavailable) << attempt->what();
  }
  return !attempt;
}

TEST(FolderLife, EndsWithItsManagerThoughAForkedChildLivesOn) {
  const TemporaryFolder folder;
  std::int64_t value = 1;
  std::optional<cp::CheckpointManager> manager;
  manager.emplace(one_rank(), folder / "run", cp::NamedObjects{{"value", value}});
  const Child child([] {});
  EXPECT_FALSE(is_free(folder / "run"));
  manager.reset();
  EXPECT_TRUE(is_free(folder / "run"));
}

TEST(FolderLife, IsNotEndedByAForkedChild) {
  const TemporaryFolder folder;
  std::int64_t value = 1;
  std::optional<cp::CheckpointManager> manager;
  manager.emplace(one_rank(), folder / "run", cp::NamedObjects{{"value", value}});
  const Child child([&] { manager.reset(); });
  EXPECT_FALSE(is_free(folder / "run"));
  manager->save(1);
}

// The disk is slow to let go: the next manager of the program does not meet the one before.
TEST(FolderLife, EndsBeforeItsManagerHasGone) {
  const TemporaryFolder folder;
  std::int64_t value = 1;
  bool slow = false;
  auto files = std::make_shared<FaultyFiles>();
  files->decide = [&](const std::string& call, int) {
    if (slow && call == "unlock") std::this_thread::sleep_for(std::chrono::milliseconds(500));
    return 0;
  };
  std::optional<cp::CheckpointManager> manager;
  manager.emplace(one_rank(), folder / "run", cp::NamedObjects{{"value", value}},
                  cp::CheckpointManagerOptions{.files = files});
  slow = true;
  manager.reset();
  EXPECT_TRUE(is_free(folder / "run"));
}

class ElsewhereAndBack {
 public:
  explicit ElsewhereAndBack(const std::string& folder) { std::filesystem::current_path(folder); }
  ElsewhereAndBack(const ElsewhereAndBack&) = delete;
  ElsewhereAndBack& operator=(const ElsewhereAndBack&) = delete;
  ~ElsewhereAndBack() { std::filesystem::current_path(before_); }

 private:
  std::filesystem::path before_ = std::filesystem::current_path();
};

TEST(FolderLife, OfARelativePathStaysWhereItWasMade) {
  const TemporaryFolder folder;
  for (const char* name : {"a", "b", "b/run"}) std::filesystem::create_directory(folder / name);
  const ElsewhereAndBack in_a(folder / "a");
  std::int64_t value = 1;
  cp::CheckpointManager manager(one_rank(), "run", {{"value", value}});
  manager.save(1);
  {
    const ElsewhereAndBack in_b(folder / "b");
    EXPECT_EQ(manager.save(2).path, folder / "a/run/checkpoint-00000002.h5");
    EXPECT_EQ(manager.path_of(2), folder / "a/run/checkpoint-00000002.h5");
    EXPECT_EQ(manager.restore_latest(), 2);
    EXPECT_EQ(manager.last_restore().path, folder / "a/run/checkpoint-00000002.h5");
  }
  EXPECT_TRUE(names_in(folder / "b/run").empty());
}

// A save reads the working directory once, when it is called.
TEST(FolderLife, OfASaveIsThatOfTheCall) {
  const TemporaryFolder folder;
  std::int64_t value = 1;
  const ElsewhereAndBack in_folder(folder.path());
  EXPECT_EQ(cp::Checkpoint(one_rank(), {{"value", value}}).save("a.h5").path, folder / "a.h5");
}

TEST(FolderLife, OfAWorkingDirectoryThatHasGoneIsRefused) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "gone");
  const ElsewhereAndBack in_gone(folder / "gone");
  std::filesystem::remove(folder / "gone");
  std::int64_t value = 1;
  const cp::Error error = error_of([&] {
    cp::CheckpointManager(one_rank(), "run", {{"value", value}});
  });
  EXPECT_EQ(error.code(), cp::ErrorCode::failed_precondition) << error.what();
  EXPECT_NE(error.message().find("working directory"), std::string::npos) << error.what();
}

}  // namespace
}  // namespace checkpoint_tests
