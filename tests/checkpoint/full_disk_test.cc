// Disks that are really full or read-only: a tmpfs of 256 KiB, mounted where only this process sees
// it. Clear errors on every rank, the last good file stays, and training goes on.
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/checkpoint/checkpoint_manager.h"

namespace checkpoint_tests {
namespace {

// Whether `folder` is now a small disk of this process's own.
bool mount_small_disk(const std::string& folder) {
  const uid_t user = ::getuid();
  if (::unshare(CLONE_NEWNS) != 0) {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
  }
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=256k") == 0;
}

constexpr int not_allowed = 77;

// Runs `body` in a child, which may skip the test.
void in_child(const std::function<void()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    body();
    std::fflush(nullptr);
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == not_allowed) {
    GTEST_SKIP() << "this process may not mount; the doubles of durability_test stand in for it";
  }
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
      << "see the failures above; status " << status;
}

// The same in one that sees the small disk; skips the test where mounting is not allowed.
void on_small_disk(const std::function<void(const std::string& folder)>& body) {
  const TemporaryFolder folder;
  in_child([&] {
    if (!mount_small_disk(folder.path())) ::_exit(not_allowed);
    body(folder.path());
  });
}

TEST(FullDisk, IsAClearErrorAndTrainingGoesOn) {
  on_small_disk([](const std::string& folder) {
    on_thread_ranks(2, [&](std::shared_ptr<cp::Communicator> world) {
      cp::Tensor weights(cp::DType::i64, {8 << 10});  // 64 KiB
      cp::CheckpointManager manager(world, folder + "/run", {{"weights", weights}}, {.keep = 1});
      weights.values<std::int64_t>()[0] = 1;
      manager.save(1);
      world->barrier();
      if (world->rank() == 0) write_file(folder + "/other", std::string(150 << 10, 'x'));
      world->barrier();
      weights.values<std::int64_t>()[0] = 2;
      for (const bool async : {false, true}) {
        const cp::Error error = error_of([&] {
          async ? manager.save_async(2) : static_cast<void>(manager.save(2));
          manager.wait();
        });
        EXPECT_EQ(error.code(), cp::ErrorCode::resource_exhausted) << error.what();
        EXPECT_NE(error.message().find("No space left on device"), std::string::npos);
        expect_same_on_all_ranks(*world, error.what());
      }
      EXPECT_EQ(names_in(folder + "/run"),
                (std::vector<std::string>{".counterpoint.lock", "checkpoint-00000001.h5"}));
      world->barrier();
      if (world->rank() == 0) std::filesystem::remove(folder + "/other");
      world->barrier();
      manager.save(2);
      weights.values<std::int64_t>()[0] = 0;
      EXPECT_EQ(manager.restore_latest(), 2);
      EXPECT_EQ(weights.values<std::int64_t>()[0], 2);
    });
  });
}

TEST(FullDisk, ThatIsReadOnlyIsAClearErrorToo) {
  on_small_disk([](const std::string& folder) {
    std::int64_t value = 1;
    cp::CheckpointManager manager(one_rank(), folder + "/run", {{"value", value}});
    manager.save(1);
    // Not while a file is open for writing, as the manager's lock is.
    { const cp::CheckpointManager gone = std::move(manager); }
    ASSERT_EQ(::mount(nullptr, folder.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
    cp::Checkpoint checkpoint(one_rank(), {{"value", value}});
    const cp::Error error = error_of([&] { checkpoint.save(folder + "/run/new.h5"); });
    EXPECT_EQ(error.code(), cp::ErrorCode::failed_precondition) << error.what();
    EXPECT_NE(error.message().find("Read-only file system"), std::string::npos) << error.what();
    value = 2;
    checkpoint.restore(folder + "/run/checkpoint-00000001.h5");
    EXPECT_EQ(value, 1);
  });
}

// A limit on the size of files is one on the process too: SIGXFSZ ends it by default.
TEST(FullDisk, OfALimitOnFilesIsAClearErrorAndNotTheEnd) {
  const TemporaryFolder folder;
  in_child([&] {
    std::int64_t value = 1;
    const std::string path = folder / "a.h5";
    cp::Checkpoint small(one_rank(), {{"value", value}});
    small.save(path);
    const std::string before = read_file(path);
    const rlimit limit{64 << 10, 64 << 10};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (const std::int64_t elements : {1 << 18, 9 << 18}) {  // on one thread, and on several
      cp::Tensor large(cp::DType::f32, {elements});
      const cp::Error error = error_of([&] {
        cp::Checkpoint(one_rank(), {{"large", large}}).save(path);
      });
      EXPECT_EQ(error.code(), cp::ErrorCode::resource_exhausted) << error.what();
      EXPECT_NE(error.message().find("ulimit -f"), std::string::npos) << error.what();
      EXPECT_EQ(read_file(path), before);
      EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"a.h5"});
    }
    sigset_t signals;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &signals);
    EXPECT_EQ(::sigismember(&signals, SIGXFSZ), 0) << "as the caller had it";
    ::sigpending(&signals);
    EXPECT_EQ(::sigismember(&signals, SIGXFSZ), 0);
    value = 2;
    small.save(path);
    EXPECT_NE(read_file(path), before);

    // One that was pending before is the caller's.
    sigset_t limit_signal;
    ::sigemptyset(&limit_signal);
    ::sigaddset(&limit_signal, SIGXFSZ);
    ::pthread_sigmask(SIG_BLOCK, &limit_signal, nullptr);
    ASSERT_EQ(::raise(SIGXFSZ), 0);
    cp::Tensor large(cp::DType::f32, {1 << 18});
    EXPECT_EQ(error_of([&] {
                cp::Checkpoint(one_rank(), {{"large", large}}).save(path);
              }).code(),
              cp::ErrorCode::resource_exhausted);
    ::sigpending(&signals);
    EXPECT_EQ(::sigismember(&signals, SIGXFSZ), 1);
  });
}

}  // namespace
}  // namespace checkpoint_tests
