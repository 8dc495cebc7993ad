// What the command's exit status says, and how an error becomes one; docs/command.md lists them.
//
//   return guarded([&] { fmt::print("{}", read(file)); return ok; });
//
// Thread-safety: any.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "counterpoint/runtime/error.h"

namespace counterpoint::tools {

enum ExitCode : int {
  ok = 0,
  different = 1,    // the two files of a diff differ
  usage = 2,        // unknown options, missing or wrong arguments
  unreadable = 3,   // not there, or no permission
  over_limits = 4,  // took more memory or time than allowed, or crashed the reader
  bad_file = 5,     // damaged, or no checkpoint that this version reads
  unwritable = 6,   // the output could not be written
  failed = 7,       // anything else
};

// The table of exit codes, for --help.
extern const std::string_view exit_code_help;

// Something is wrong with the command line.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The output could not be written.
struct OutputError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

ExitCode exit_code_of(ErrorCode code);

// A line on stderr, with control characters escaped.
void complain(const std::string& message);

// What `function` returns; where it throws, the exit status that says so, with a line on stderr.
// What is left in stdout's buffer is written.
int guarded(const std::function<int()>& function);

}  // namespace counterpoint::tools
