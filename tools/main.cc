// The `counterpoint` command.
#include <fcntl.h>
#include <signal.h>

#include "command_line.h"
#include "exit_codes.h"

namespace {

// Otherwise a file that is opened would become standard output, and be printed into.
void occupy_closed_descriptors() {
  for (int fd = 0; fd <= 2; ++fd) {
    // Write-only for input and read-only for output: using one is still an error.
    if (::fcntl(fd, F_GETFD) < 0) ::open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
  }
}

}  // namespace

int main(int argc, char** argv) {
  occupy_closed_descriptors();
  ::signal(SIGPIPE, SIG_DFL);  // a reader that has seen enough, as head, ends the command quietly
  return counterpoint::tools::guarded([&] { return counterpoint::tools::run(argc, argv); });
}
