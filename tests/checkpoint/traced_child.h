// A child process that is stopped at each of its system calls, and killed at a chosen one.
//
//   const Traced result = run_traced([&] { prepare(); count_from_here(); save(); }, 17);
//   if (result.killed) look();                        // by SIGKILL, at call 17
//   else all_calls = result.calls;                    // there are fewer
//
// All of its threads are traced.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <map>

namespace checkpoint_tests {

struct Traced {
  bool killed = false;
  int calls = 0;  // begun, the one that it was killed at included
  int status = 0;
};

namespace detail {

// No system call has this number.
inline constexpr long marker = 0x7c9d;

// What the call that `thread` is about to make is numbered.
inline long number_of_call(pid_t thread) {
  __ptrace_syscall_info info{};
  if (::ptrace(static_cast<__ptrace_request>(PTRACE_GET_SYSCALL_INFO), thread, sizeof(info),
               &info) <= 0 ||
      info.op != PTRACE_SYSCALL_INFO_ENTRY) {
    return -1;
  }
  return static_cast<long>(info.entry.nr);
}

}  // namespace detail

// In the child: its next system call is call 0.
inline void count_from_here() { ::syscall(detail::marker); }

inline Traced run_traced(const std::function<void()>& body, int kill_at) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(77);
    ::raise(SIGSTOP);
    body();
    ::_exit(0);
  }
  Traced traced;
  ::waitpid(child, &traced.status, 0);
  if (!WIFSTOPPED(traced.status)) {
    ADD_FAILURE() << "ptrace is not allowed here: kills at system calls cannot be tested";
    return traced;
  }
  ::ptrace(PTRACE_SETOPTIONS, child, nullptr,
           PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL);
  ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
  bool counting = false;
  for (;;) {
    int status = 0;
    const pid_t thread = ::waitpid(-1, &status, __WALL);
    if (thread < 0) return traced;
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      if (thread != child) continue;
      traced.status = status;
      return traced;
    }
    int signal = WSTOPSIG(status);
    if (signal == (SIGTRAP | 0x80)) {
      signal = 0;
      const long number = detail::number_of_call(thread);
      if (number == detail::marker) {
        counting = true;
      } else if (number >= 0 && counting && traced.calls++ == kill_at) {
        traced.killed = true;
        ::kill(child, SIGKILL);  // before the call does anything
        continue;
      }
    } else if (signal == SIGTRAP || signal == SIGSTOP) {
      signal = 0;  // a thread was made, or begins
    }
    ::ptrace(PTRACE_SYSCALL, thread, nullptr, signal);
  }
}

}  // namespace checkpoint_tests
