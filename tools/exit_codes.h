// What the command's exit status says; `counterpoint --help` lists them.
#pragma once

#include "counterpoint/runtime/error.h"

namespace counterpoint::tools {

enum ExitCode : int {
  ok = 0,
  bad_file = 1,     // damaged, or no checkpoint that this version reads
  usage = 2,        // unknown options or missing arguments
  unreadable = 3,   // not there, or no permission
  over_limits = 4,  // took more memory or time than allowed, or crashed the reader
  failed = 5,       // anything else
};

inline ExitCode exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::data_loss:
    case ErrorCode::failed_precondition:
      return bad_file;
    case ErrorCode::not_found:
      return unreadable;
    case ErrorCode::resource_exhausted:
      return over_limits;
    default:
      return failed;
  }
}

}  // namespace counterpoint::tools
