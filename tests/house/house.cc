#include "house/house.h"

#include <algorithm>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace house {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> lines_of(std::istream& stream) {
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// Build trees, runs, caches and tools' own folders are not; .ci is.
bool is_ours(const fs::path& folder) {
  static const std::set<std::string> foreign = {"build", "run", "__pycache__"};
  const std::string name = folder.filename();
  return !foreign.contains(name) && (!name.starts_with(".") || name == ".ci");
}

std::vector<File> read_files() {
  static const std::set<std::string> data = {".json", ".h5", ".csv", ".index", ".svg", ".png"};
  const fs::path root = COUNTERPOINT_SOURCE_DIR;
  std::vector<File> found;
  for (auto it = fs::recursive_directory_iterator(root); it != fs::end(it); ++it) {
    if (it->is_directory() && !is_ours(it->path())) it.disable_recursion_pending();
    const fs::path path = it->path();
    if (!it->is_regular_file() || data.contains(path.extension()) ||
        path.filename().string().find(".data-") != std::string::npos) {
      continue;
    }
    std::ifstream stream(path);
    found.push_back({.path = path.lexically_relative(root), .lines = lines_of(stream)});
  }
  std::ranges::sort(found, {}, &File::path);
  return found;
}

}  // namespace

bool File::is_source() const {
  const std::string kind = extension();
  return kind == ".h" || kind == ".cc" || kind == ".cu";
}

const std::vector<File>& files() {
  static const std::vector<File> all = read_files();
  return all;
}

std::vector<std::string> includes_of(const File& file) {
  static const std::regex include(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"].*)");
  std::vector<std::string> found;
  for (const std::string& line : file.lines) {
    std::smatch match;
    if (std::regex_match(line, match, include)) found.push_back(match[1]);
  }
  return found;
}

const std::vector<std::string>& public_headers() {
  static const std::vector<std::string> all = [] {
    std::istringstream stream(COUNTERPOINT_PUBLIC_HEADERS);
    std::vector<std::string> paths;
    for (std::string path; stream >> path;) paths.push_back(path);
    return paths;
  }();
  return all;
}

bool is_public(const std::string& path) {
  return std::ranges::find(public_headers(), path) != public_headers().end();
}

}  // namespace house
