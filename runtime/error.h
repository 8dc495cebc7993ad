// The one exception type. The code tells a caller what to do, the message carries the values.
//
//   try { checkpoint.restore(path); }
//   catch (const cp::Error& error) {
//     if (error.code() == cp::ErrorCode::data_loss) use_another_file();
//   }
//
// Thread-safety: values.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "counterpoint/kernels/export.h"

namespace counterpoint::inline v1 {

enum class ErrorCode {
  invalid_argument,     // fix the call
  not_found,            // the file or the named object is not there
  data_loss,            // use another file
  failed_precondition,  // the object's or the program's state does not allow the call
  resource_exhausted,   // no memory, no disk space, a limit
  unavailable,          // retry
  deadline_exceeded,    // somebody did not come in time
  diverged,             // replicas that must agree do not
  aborted,              // a replica's function threw something else than an Error
  unimplemented,        // not in this version
  internal,             // a fault of Counterpoint or of a library below it
};

// "invalid_argument", ...
COUNTERPOINT_PUBLIC std::string_view error_code_name(ErrorCode code);

class COUNTERPOINT_PUBLIC Error : public std::runtime_error {
 public:
  // what() is "<code name>: <message>".
  Error(ErrorCode code, const std::string& message);
  ~Error() override;

  ErrorCode code() const noexcept { return code_; }
  // Without the code's name.
  const std::string& message() const noexcept { return message_; }

 private:
  ErrorCode code_;
  std::string message_;
};

}  // namespace counterpoint::inline v1
