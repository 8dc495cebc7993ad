// Private: a write beyond the limit of a file's size (ulimit -f) raises SIGXFSZ in its thread, which
// would end the process: to us it is an error as a full disk is.
//
//   const SizeSignalHeld held;
//   if (::write(file, bytes, count) < 0 && errno == EFBIG) held.take();
//
// Thread-safety: of the thread that made it. Signals of others, and those pending before, are left alone.
#pragma once

#include <signal.h>

#include <cerrno>

namespace counterpoint::inline v1 {

class SizeSignalHeld {
 public:
  SizeSignalHeld() {
    ::sigemptyset(&signal_);
    ::sigaddset(&signal_, SIGXFSZ);
    sigset_t pending;
    ::sigpending(&pending);
    was_pending_ = ::sigismember(&pending, SIGXFSZ) == 1;
    ::pthread_sigmask(SIG_BLOCK, &signal_, &mask_);
  }
  SizeSignalHeld(const SizeSignalHeld&) = delete;
  SizeSignalHeld& operator=(const SizeSignalHeld&) = delete;
  ~SizeSignalHeld() { ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr); }

  // The one that our write raised.
  void take() const {
    const int reason = errno;
    constexpr timespec at_once{};
    while (!was_pending_ && ::sigtimedwait(&signal_, nullptr, &at_once) < 0 && errno == EINTR) {
    }
    errno = reason;
  }

 private:
  sigset_t signal_;
  sigset_t mask_;
  bool was_pending_;
};

}  // namespace counterpoint::inline v1
