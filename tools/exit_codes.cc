#include "exit_codes.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <system_error>

#include "escaped.h"

namespace counterpoint::tools {
namespace {

int call(const std::function<int()>& function) {
  try {
    return function();
  } catch (const UsageError& error) {
    complain(error.what());
    return usage;
  } catch (const OutputError& error) {
    complain(error.what());
    return unwritable;
  } catch (const Error& error) {
    const int status = exit_code_of(error.code());
    complain(error.message() + (status == over_limits ? " (--memory-mib)" : ""));
    return status;
  } catch (const std::bad_alloc&) {
    complain("no memory within the limits; --memory-mib raises that for reading files");
    return over_limits;
  } catch (const std::system_error& error) {
    if (std::ferror(stdout) != 0) return ok;  // fmt's, of a full buffer: stdout says so, below
    const bool is_shortage = error.code() == std::errc::resource_unavailable_try_again ||
                             error.code() == std::errc::not_enough_memory;
    complain(fmt::format("{}{}", error.what(),
                         is_shortage ? ", within the limits; --memory-mib raises that" : ""));
    return is_shortage ? over_limits : failed;
  } catch (const std::exception& error) {
    complain(error.what());
    return failed;
  }
}

}  // namespace

const std::string_view exit_code_help =
    "Exit status: 0 fine; 1 the files of a diff differ; 2 wrong usage; 3 a file that cannot be\n"
    "read; 4 limits exceeded; 5 a damaged file, or none that this version reads; 6 output that\n"
    "cannot be written; 7 anything else. Errors go to stderr.";

ExitCode exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::unimplemented:
      return usage;
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

void complain(const std::string& message) {
  const std::string line = "counterpoint: " + escaped(message) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);  // where that fails, nobody can be told
}

int guarded(const std::function<int()>& function) {
  const int status = call(function);
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
  complain(fmt::format("standard output: {}",
                       errno == 0 ? "could not be written" : std::strerror(errno)));
  return status == ok || status == different ? unwritable : status;
}

}  // namespace counterpoint::tools
