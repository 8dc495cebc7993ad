// Private: a thread that is started in its scope is deaf to signals, which are for the program's own
// threads, but for those of its own faults.
//
//   const SignalsBlocked deaf;
//   std::thread worker(work);   // a thread inherits the mask of the one that starts it
//
// Thread-safety: the calling thread's mask, which comes back at the end of the scope.
#pragma once

#include <signal.h>

namespace counterpoint::inline v1 {

class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t blocked;
    sigfillset(&blocked);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}) sigdelset(&blocked, fault);
    pthread_sigmask(SIG_SETMASK, &blocked, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace counterpoint::inline v1
