#include "sandbox.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "exit_codes.h"

namespace counterpoint::tools {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool can_limit_memory = false;  // the sanitizer's own map of memory is beyond any limit
#elif defined(__has_feature)
constexpr bool can_limit_memory =
    !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer);
#else
constexpr bool can_limit_memory = true;
#endif

std::uint64_t address_space_now() {
  std::uint64_t pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%lu", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

void limit(int resource, std::uint64_t most) {
  const rlimit both{most, most};
  ::setrlimit(static_cast<__rlimit_resource_t>(resource), &both);
}

void apply(const Limits& limits) {
  limit(RLIMIT_CORE, 0);
  if (limits.memory_bytes != 0 && can_limit_memory) {
    limit(RLIMIT_AS, address_space_now() + limits.memory_bytes);
  }
  if (limits.seconds != 0) {
    limit(RLIMIT_CPU, limits.seconds);
    ::alarm(limits.seconds + 1);
  }
}

}  // namespace

int in_sandbox(const Limits& limits, const char* what, const std::function<int()>& function) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) {
    fmt::print(stderr, "{}: could not start a child process: {}\n", what, std::strerror(errno));
    return failed;
  }
  if (child == 0) {
    apply(limits);
    const int status = function();
    std::fflush(nullptr);
    ::_exit(status);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  fmt::print(
      stderr,
      "{}: reading it ended with '{}', within {} MiB and {} s: it was made to do that, or the "
      "limits are too small for it\n",
      what, ::strsignal(WTERMSIG(status)), limits.memory_bytes >> 20, limits.seconds);
  return over_limits;
}

}  // namespace counterpoint::tools
