// A checkpoint's contents as text for people and as JSON.
//
//   const Contents contents = read_contents(path, max_bytes);
//   fmt::print("{}", to_table(contents));
//   fmt::print("{}\n", to_json(contents));
//
// Text out of a file is escaped: it cannot steer a terminal.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>

#include "counterpoint/runtime/saveable.h"

namespace counterpoint::tools {

struct Contents {
  std::string path;
  std::uint64_t bytes = 0;
  std::map<std::string, std::variant<std::int64_t, std::string>> attributes;
  std::map<std::string, SavedObject> objects;
};

// Reads and checks everything. Errors: as CheckpointFile.
Contents read_contents(const std::string& path, std::uint64_t max_bytes);

std::string to_table(const Contents& contents);
std::string to_json(const Contents& contents);

// Control characters, and bytes that are no UTF-8, as \xNN.
std::string escaped(const std::string& text);

}  // namespace counterpoint::tools
