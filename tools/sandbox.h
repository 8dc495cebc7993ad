// Runs something on untrusted input in a child process with limits: what it crashes, exhausts or
// hangs is the child.
//
//   const int status = in_sandbox({.memory_bytes = 1 << 30, .seconds = 10}, [&] {
//     verify(file); return 0; });
//
// Thread-safety: for a process of one thread, as it forks.
#pragma once

#include <cstdint>
#include <functional>

namespace counterpoint::tools {

struct Limits {
  std::uint64_t memory_bytes = 0;  // of address space, on top of what the process has; 0 for none
  unsigned seconds = 0;            // of CPU and of wall-clock time; 0 for none
};

// Returns what `function` returns, in the child; over_limits if the child was killed, with a line
// about it on stderr that begins with `what`.
int in_sandbox(const Limits& limits, const char* what, const std::function<int()>& function);

}  // namespace counterpoint::tools
