// What the tests of the house share: the project's files.
//
//   for (const house::File& file : house::files()) use(file.path, file.lines);
//   house::includes_of(file);   // {"counterpoint/runtime/error.h", "vector", ...}
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace house {

struct File {
  std::string path;  // relative to the project, "runtime/error.h"
  std::vector<std::string> lines;

  std::string folder() const { return path.substr(0, path.find('/')); }
  std::string extension() const { return std::filesystem::path(path).extension(); }
  bool is_header() const { return extension() == ".h"; }
  bool is_source() const;  // C++ or CUDA, headers included
};

// Every text file that is the project's: not what Git ignores, not data.
const std::vector<File>& files();

// As written, without brackets or quotes.
std::vector<std::string> includes_of(const File& file);

// Paths of the public headers, as they are installed.
const std::vector<std::string>& public_headers();
bool is_public(const std::string& path);

}  // namespace house
