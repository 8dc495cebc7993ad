#include "output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "exit_codes.h"

namespace counterpoint::tools {
namespace {

volatile sig_atomic_t g_signal = 0;  // a handler can reach nothing else

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = [](int signal) { g_signal = signal; };
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    ::sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_IGN) ::sigaction(signal, &action, nullptr);
  }
}

}  // namespace

Output::Output(const std::string& path) : name_(path.empty() ? "standard output" : path) {
  if (path.empty()) return;
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    fd_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd_ < 0) fail(errno);
    return;
  }
  open_beside(path);
  if (status.st_nlink != 0) ::fchmod(fd_, status.st_mode & 07777);
  catch_signals();
}

void Output::open_beside(const std::string& path) {
  std::error_code ignored;
  const std::filesystem::path real = std::filesystem::weakly_canonical(path, ignored);
  target_ = real.empty() ? path : real.string();
  const std::size_t name = target_.find_last_of('/') + 1;
  temporary_ =
      fmt::format("{}.{}.{}.tmp", target_.substr(0, name), target_.substr(name), ::getpid());
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd_ >= 0) return;
  temporary_.clear();
  fail(errno);
}

Output::~Output() {
  if (fd_ > 2) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

bool Output::is_terminal() const { return ::isatty(fd_) == 1; }

void Output::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (g_signal != 0) throw Interrupted{.signal = g_signal};
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void Output::finish() {
  if (fd_ <= 2) return;
  const int closed = ::close(fd_);
  fd_ = -1;
  if (closed != 0) fail(errno);
  if (temporary_.empty()) return;
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail(errno);
  temporary_.clear();
}

void Output::fail(int error) const {
  throw OutputError(fmt::format("{}: {}", name_, std::strerror(error)));
}

}  // namespace counterpoint::tools
