// Runs something on untrusted input in a child process with limits: what it crashes, exhausts or
// hangs is the child.
//
//   const int status = in_sandbox({.memory_bytes = 1 << 30, .seconds = 10}, file, [&] {
//     verify(file); return 0; });
//
// Thread-safety: for a process of one thread, as it forks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace counterpoint::tools {

struct Limits {
  std::uint64_t memory_bytes = 0;  // of address space, on top of what the process has; 0 for none
  bool grows_with_file = false;  // memory_bytes is what is allowed at least, for larger files more
  unsigned seconds = 0;          // of CPU and of wall-clock time; 0 for none
};

// `limits` for reading `files`, as they are now: where they grow, `times` their bytes and 1 GiB, but not
// beyond what the machine has free.
Limits limits_for(Limits limits, const std::vector<std::string>& files, std::uint64_t times);

// Returns what `function` returns in the child, or the exit status of what it throws; over_limits
// if the child was killed, with a line about it on stderr that names the file `what`.
int in_sandbox(const Limits& limits, const std::string& what, const std::function<int()>& function);

// The same; what `function` leaves in its argument is in `answer` afterwards, cut at
// `max_answer_bytes`. It is as little to be trusted as the input.
int in_sandbox(const Limits& limits, const std::string& what, std::string& answer,
               const std::function<int(std::string&)>& function,
               std::size_t max_answer_bytes = std::size_t{64} << 10);

}  // namespace counterpoint::tools
