// A progress bar on stderr: shown on a terminal, after half a second, ten times a second at most.
//
//   Progress progress(total, Progress::when_useful(output.is_file()));
//   for (...) progress.advance(elements);    // [#######>        ]  43 %, 120 M/s, 7 s left
//
// Nothing is left of it in the end. Thread-safety: one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace counterpoint::tools {

class Progress {
 public:
  // Numbers that are not on the screen anyway, and somebody who looks.
  static bool when_useful(bool writes_file);

  // `total` elements; 0 for no end.
  Progress(std::uint64_t total, bool shown);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  void advance(std::uint64_t elements);

  // The line without what moves the cursor.
  static std::string line(std::uint64_t done, std::uint64_t total, double seconds);

 private:
  using Clock = std::chrono::steady_clock;

  std::uint64_t total_;
  bool shown_;
  bool drawn_ = false;
  std::uint64_t done_ = 0;
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_ = start_ + std::chrono::milliseconds(500);
};

}  // namespace counterpoint::tools
