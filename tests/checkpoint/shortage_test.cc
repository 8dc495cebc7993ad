// A lack of memory in a save or restore, however much there is, is an error and no crash, and with
// memory the next one works. libhdf5 and libcrypto crash where they run out of memory, and more so
// where they start: they are started when a checkpoint is made, and not called where there is little.
#include <malloc.h>
#include <sys/wait.h>

#include <atomic>
#include <cerrno>
#include <functional>

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

bool is_too_much(std::size_t size) {
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

}  // namespace
}  // namespace checkpoint_tests
