// What the benchmarks of files share: a folder on the disk under test (TMPDIR says which), times.
//
//   const Scratch folder;
//   folder.settle();                                        // collective
//   const double seconds = seconds_of([&] { write(folder / "file"); });
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "ranks.h"

namespace counterpoint::bench {

inline double seconds_of(const std::function<void()>& call) {
  const auto start = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Of all threads of this rank, so far.
inline double processor_time_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

inline double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

// On rank 0's disk; its path is every rank's.
class Scratch {
 public:
  Scratch() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "counterpoint-bench-XXXXXX").string();
    if (first()) path_ = ::mkdtemp(pattern.data());
    std::vector<std::uint32_t> characters(pattern.begin(), pattern.end());
    world()->broadcast(std::span(characters));
    path_.assign(characters.begin(), characters.end());
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    if (first()) std::filesystem::remove_all(path_, ignored);
  }
  static bool first() { return world()->rank() == 0; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  // Nobody pays for what another left to the journal.
  void settle() const {
    if (first()) sync();
    world()->barrier();
  }
  void sync() const {
    const int fd = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY);
    if (::fsync(fd) != 0) std::abort();
    ::close(fd);
  }

 private:
  std::string path_;
};

}  // namespace counterpoint::bench
