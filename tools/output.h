// Where numbers go: standard output, or a file that appears whole or not at all.
//
//   Output output("noise.bin");        // "" for standard output
//   output.write(bytes);
//   output.finish();                   // renames; without it the destructor removes what was written
//
// A file is written beside its place and renamed; what is no regular file (a FIFO, a device) is
// written as it is. SIGINT, SIGTERM and SIGHUP during the writing of a file end in Interrupted, so
// that nothing stays behind.
// Thread-safety: one thread, one file at a time.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace counterpoint::tools {

// A signal asked the command to end.
struct Interrupted {
  int signal = 0;
};

class Output {
 public:
  // Errors: OutputError.
  explicit Output(const std::string& path);
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output();

  bool is_terminal() const;
  // A file of its own, so that progress can be shown while it is written.
  bool is_file() const { return !temporary_.empty(); }
  // Errors: OutputError, Interrupted.
  void write(std::span<const std::byte> bytes);
  // Errors: OutputError.
  void finish();

 private:
  void open_beside(const std::string& path);
  [[noreturn]] void fail(int error) const;

  std::string name_;       // for messages
  std::string target_;     // that the file will be renamed to
  std::string temporary_;  // that it has until then
  int fd_ = 1;
};

}  // namespace counterpoint::tools
