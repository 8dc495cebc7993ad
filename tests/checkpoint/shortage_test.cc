// A lack of memory in a save or restore, however much there is, is an error and no crash, and with
// memory the next one works. libhdf5 and libcrypto crash where they run out of memory, and more so
// where they start: they are started when a checkpoint is made, and not called where there is
// little.
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <utility>

#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/checkpoint/internal/parallel.h"

// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* memory);
}
// NOLINTEND(bugprone-reserved-identifier)

namespace {

std::atomic<bool> limited = false;
std::atomic<std::int64_t> bytes_left = 0;
std::atomic<std::int64_t> refused = 0;

enum class Want { nothing, memory, threads };

// Of the calling thread, while it has its signals blocked to start another one.
thread_local Want want_at_starts = Want::nothing;
thread_local bool starting = false;
thread_local int starts = 0;
thread_local bool refuses_next = false;
thread_local int starts_with_signals = 0;

const auto real_pthread_create =
    reinterpret_cast<decltype(&::pthread_create)>(::dlsym(RTLD_NEXT, "pthread_create"));

bool is_too_much(std::size_t size) {
  if (std::exchange(refuses_next, false)) {
    ++refused;
    return true;
  }
  if (starting && want_at_starts == Want::memory) {
    ++refused;
    return true;
  }
  if (!limited || static_cast<std::int64_t>(size) <= bytes_left) return false;
  ++refused;
  errno = ENOMEM;
  return true;
}

void* counted(void* memory) {
  if (limited && memory != nullptr) {
    bytes_left -= static_cast<std::int64_t>(::malloc_usable_size(memory));
  }
  return memory;
}

}  // namespace

extern "C" {
void* malloc(std::size_t size) {
  return is_too_much(size) ? nullptr : counted(__libc_malloc(size));
}
void* calloc(std::size_t count, std::size_t size) {
  return is_too_much(count * size) ? nullptr : counted(__libc_calloc(count, size));
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return is_too_much(size) ? nullptr : counted(__libc_memalign(alignment, size));
}
void free(void* memory) {
  if (limited && memory != nullptr) {
    bytes_left += static_cast<std::int64_t>(::malloc_usable_size(memory));
  }
  __libc_free(memory);
}
void* realloc(void* memory, std::size_t size) {
  if (memory == nullptr) return malloc(size);
  const std::size_t before = ::malloc_usable_size(memory);
  if (size > before && is_too_much(size - before)) return nullptr;
  if (limited) bytes_left += static_cast<std::int64_t>(before);
  return counted(__libc_realloc(memory, size));
}
int pthread_sigmask(int how, const sigset_t* set, sigset_t* before) noexcept {
  constexpr std::size_t kernels_sigset_bytes = 8;
  const auto result = ::syscall(SYS_rt_sigprocmask, how, set, before, kernels_sigset_bytes);
  if (set != nullptr && how == SIG_SETMASK) starting = ::sigismember(set, SIGUSR1) == 1;
  return result == 0 ? 0 : errno;
}
int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*function)(void*),
                   void* argument) noexcept {
  ++starts;
  if (!starting) ++starts_with_signals;
  if (starting && want_at_starts == Want::threads) {
    ++refused;
    return EAGAIN;
  }
  return real_pthread_create(thread, attributes, function, argument);
}
}

namespace checkpoint_tests {
namespace {

enum Ending { in_want, enough, wrong };

Ending ending_of(const std::function<void()>& call, std::int64_t bytes) {
  Ending ending = enough;
  bytes_left = bytes;
  limited = true;
  try {
    call();
  } catch (const cp::Error& error) {
    limited = false;
    ending = error.code() == cp::ErrorCode::resource_exhausted ? in_want : wrong;
    if (ending == wrong) std::fprintf(stderr, "%s\n", error.what());
  } catch (const std::bad_alloc&) {  // not even enough for an Error
    ending = in_want;
  }
  limited = false;
  if (ending == in_want && refused == 0) ending = wrong;
  if (const auto again = internal::attempting(call)) {
    std::fprintf(stderr, "with memory: %s\n", again->what());
    ending = wrong;
  }
  return ending;
}

// In a child, where libhdf5 has not been used before.
Ending with_bytes(std::int64_t bytes, const std::string& path, bool restoring) {
  const pid_t child = ::fork();
  if (child == 0) {
    cp::Tensor tensor(cp::DType::i64, {100});
    std::int64_t step = 1;
    cp::Checkpoint checkpoint(one_rank(), {{"tensor", tensor}, {"step", step}});
    const auto call = [&] {
      restoring ? static_cast<void>(checkpoint.restore(path))
                : static_cast<void>(checkpoint.save(path));
    };
    ::_exit(ending_of(call, bytes));
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  return WIFEXITED(status) ? static_cast<Ending>(WEXITSTATUS(status)) : wrong;
}

void expect_survived(const std::string& path, bool restoring) {
  constexpr std::int64_t most = 8 << 20;
  int endings[] = {0, 0, 0};
  for (std::int64_t bytes = 0; bytes < most; bytes += bytes < (32 << 10) ? 128 : 32 << 10) {
    const Ending ending = with_bytes(bytes, path, restoring);
    ++endings[ending];
    EXPECT_NE(ending, wrong) << "with " << bytes << " bytes";
  }
  EXPECT_GT(endings[in_want], 100);
  EXPECT_GT(endings[enough], 10);
}

TEST(Shortage, InASaveIsAnError) {
  const TemporaryFolder folder;
  expect_survived(folder / "a.h5", false);
}

TEST(Shortage, InARestoreIsAnError) {
  const TemporaryFolder folder;
  ASSERT_EQ(with_bytes(1 << 30, folder / "a.h5", false), enough);
  ASSERT_TRUE(std::filesystem::exists(folder / "a.h5"));
  expect_survived(folder / "a.h5", true);
}

// Where there is no memory for a thread, or for the next, those that there are do the work.
TEST(Shortage, InTheStartOfThreadsIsNotTheEnd) {
  refused = 0;
  for (std::int64_t bytes = 0; bytes < 4096; bytes += 8) {
    std::atomic<int> done = 0;
    const std::function<void(std::size_t, std::size_t)> work = [&](std::size_t, std::size_t) {
      ++done;
    };
    bytes_left = bytes;
    limited = true;
    internal::for_each_in_parallel(16, 4, work);
    limited = false;
    EXPECT_EQ(done, 16) << bytes << " bytes";
  }
  EXPECT_GT(refused, 10);
}

// Rank 0 has no thread to read on, or one that is deaf to signals; or no memory to start one.
class ShortageAtTheReader : public testing::TestWithParam<Want> {};

TEST_P(ShortageAtTheReader, OfThreadsIsNotTheEnd) {
  const TemporaryFolder folder;
  refused = 0;
  on_thread_ranks(2, [&](const std::shared_ptr<cp::Communicator>& world) {
    constexpr std::int64_t elements = 2 << 20;  // 16 MiB
    world->set_timeout_seconds(20);
    cp::Tensor tensor(cp::DType::i64, {elements});
    cp::Checkpoint checkpoint(world, {{"tensor", tensor}});
    tensor.values<std::int64_t>()[elements - 1] = 7;
    checkpoint.save(folder / "a.h5");
    tensor.values<std::int64_t>()[elements - 1] = 8;
    starts = starts_with_signals = 0;
    if (world->rank() == 0) want_at_starts = GetParam();
    const auto failed = internal::attempting([&] { checkpoint.restore(folder / "a.h5"); });
    want_at_starts = Want::nothing;
    EXPECT_EQ(failed.has_value(), GetParam() == Want::memory);
    if (failed) {
      EXPECT_EQ(failed->code(), cp::ErrorCode::resource_exhausted) << failed->what();
    }
    EXPECT_EQ(tensor.values<std::int64_t>()[elements - 1], failed ? 8 : 7);
    EXPECT_EQ(starts_with_signals, 0);
    EXPECT_EQ(starts > 0, world->rank() == 0 && GetParam() != Want::memory);
  });
  EXPECT_EQ(refused > 0, GetParam() != Want::nothing);
}

INSTANTIATE_TEST_SUITE_P(Shortage, ShortageAtTheReader,
                         testing::Values(Want::nothing, Want::memory, Want::threads));

// It is told of before objects change, so that ranks are alike where one cannot.
TEST(Shortage, InTheReportOfARestoreLeavesAllRanksAsTheyWere) {
  struct Arming final : cp::Saveable {
    struct Pending final : cp::PendingRestore {
      explicit Pending(bool arm) : arms(arm) {}
      cp::RestoreOutcome outcome() const noexcept override {
        refuses_next = arms;
        return cp::RestoreOutcome::exact;
      }
      void commit() noexcept override {}
      bool arms;
    };
    cp::SavedObject save() const override {
      return {.type = "object", .attributes = {}, .values = {}, .members = {}};
    }
    std::unique_ptr<cp::PendingRestore> prepare(const cp::SavedObject& /*saved*/) override {
      return std::make_unique<Pending>(arms);
    }
    bool arms = false;
  };
  const TemporaryFolder folder;
  refused = 0;
  on_thread_ranks(2, [&](const std::shared_ptr<cp::Communicator>& world) {
    const auto arming = std::make_shared<Arming>();
    std::int64_t step = 1;
    cp::Checkpoint checkpoint(
        world, {{"arming", arming}, {"a name that is longer than what strings hold", step}});
    checkpoint.save(folder / "a.h5");
    step = 2;
    arming->arms = world->rank() == 1;
    const cp::Error error = error_of([&] { checkpoint.restore(folder / "a.h5"); });
    EXPECT_EQ(error.code(), cp::ErrorCode::resource_exhausted) << error.what();
    EXPECT_EQ(step, 2);
    arming->arms = false;
    checkpoint.restore(folder / "a.h5");
    EXPECT_EQ(step, 1);
  });
  EXPECT_EQ(refused, 1);
}

}  // namespace
}  // namespace checkpoint_tests
