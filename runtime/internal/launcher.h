// Private: which launcher started this process, and how many ranks it announces.
//
//   if (const auto launcher = find_launcher()) use_mpi(launcher->ranks);
//
// Thread-safety: reads the environment; not beside setenv.
#pragma once

#include <optional>
#include <string>

namespace counterpoint::inline v1 {

struct Launcher {
  std::string variable;  // the environment variable that tells
  std::string value;
  int ranks = 0;  // 0 where the launcher does not say
  int rank = -1;  // -1 where it does not say
};

// None for a process started by hand, and for a Slurm step of one task (an interactive shell).
std::optional<Launcher> find_launcher();

}  // namespace counterpoint::inline v1
