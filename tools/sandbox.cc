#include "sandbox.h"

#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

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

// What the machine can give without taking it from others.
std::uint64_t memory_there() {
  std::uint64_t kibibytes = 0;
  if (std::FILE* file = std::fopen("/proc/meminfo", "r")) {
    std::array<char, 128> line{};
    while (std::fgets(line.data(), line.size(), file) != nullptr) {
      if (std::sscanf(line.data(), "MemAvailable: %lu", &kibibytes) == 1) break;
    }
    std::fclose(file);
  }
  return kibibytes << 10;
}

void limit(int resource, std::uint64_t most) {
  const rlimit both{most, most};
  ::setrlimit(static_cast<__rlimit_resource_t>(resource), &both);
}

void apply(const Limits& limits) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  limit(RLIMIT_CORE, 0);
  ::mallopt(M_ARENA_MAX, 1);  // each thread's arena takes 64 MiB of address space, used or not
  if (limits.memory_bytes != 0 && can_limit_memory) {
    limit(RLIMIT_AS, address_space_now() + limits.memory_bytes);
  }
  if (limits.seconds != 0) {
    limit(RLIMIT_CPU, limits.seconds);
    ::alarm(limits.seconds + 1);
  }
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR) return;
    text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
}

// To the end, so that the writer is never blocked or broken off; what is beyond the limit is
// dropped.
std::string read_all(int fd, std::size_t most) {
  std::string text;
  std::array<char, 4096> buffer{};
  while (true) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(buffer.data(), std::min(static_cast<std::size_t>(got), most - text.size()));
  }
}

// Ended by something that was meant for the whole command: it ends the same way.
void pass_on(int signal) {
  if (signal != SIGPIPE && signal != SIGINT && signal != SIGTERM && signal != SIGHUP) return;
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

int status_of(pid_t child, const Limits& limits, const std::string& what) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  pass_on(WTERMSIG(status));
  complain(
      fmt::format("{}: reading it ended with '{}', within {} MiB and {} s: it was made to do "
                  "that, or the limits are too small for it (--memory-mib, --seconds)",
                  what, ::strsignal(WTERMSIG(status)), limits.memory_bytes >> 20, limits.seconds));
  return over_limits;
}

}  // namespace

Limits limits_for(Limits limits, const std::vector<std::string>& files, std::uint64_t times) {
  if (!limits.grows_with_file) return limits;
  const std::uint64_t there = memory_there();
  std::uint64_t wanted = std::uint64_t{1} << 30;
  for (const std::string& file : files) {
    struct stat status {};
    if (::lstat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    const auto bytes = static_cast<std::uint64_t>(status.st_size);
    // No file is so large that this matters, unless it has holes.
    wanted += bytes > there ? there : times * bytes;
  }
  limits.memory_bytes = std::max(limits.memory_bytes, std::min(wanted, there));
  limits.grows_with_file = false;
  return limits;
}

int in_sandbox(const Limits& limits, const std::string& what, std::string& answer,
               const std::function<int(std::string&)>& function, std::size_t max_answer_bytes) {
  std::fflush(nullptr);
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) {
    complain(fmt::format("{}: could not make a pipe: {}", what, std::strerror(errno)));
    return failed;
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    apply(limits);
    const int status = guarded([&] {
      std::string text;
      const int result = function(text);
      write_all(ends[1], text);
      return result;
    });
    ::_exit(status);
  }
  const int fork_error = errno;
  ::close(ends[1]);
  if (child < 0) {
    ::close(ends[0]);
    complain(
        fmt::format("{}: could not start a child process: {}", what, std::strerror(fork_error)));
    return failed;
  }
  answer = read_all(ends[0], max_answer_bytes);
  ::close(ends[0]);
  return status_of(child, limits, what);
}

int in_sandbox(const Limits& limits, const std::string& what,
               const std::function<int()>& function) {
  std::string none;
  return in_sandbox(limits, what, none, [&](std::string&) { return function(); });
}

}  // namespace counterpoint::tools
