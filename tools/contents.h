// A checkpoint's contents as text for people and as JSON.
//
//   const Contents contents = read_contents(path, max_bytes);
//   fmt::print("{}", to_table(contents));
//   fmt::print("{}\n", to_json(contents));
//
// Text out of a file is escaped: it cannot steer a terminal. Whoever parses the JSON has it as it is, bytes
// that are no UTF-8 as \xNN.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>

#include "counterpoint/checkpoint/checkpoint_file.h"
#include "counterpoint/runtime/saveable.h"

namespace counterpoint::tools {

using Attribute = std::variant<std::int64_t, std::string>;

struct Contents {
  std::string path;
  CheckpointFile file;
  std::map<std::string, const SavedObject*> objects;  // of the file
};

// Reads and checks everything. Errors: as CheckpointFile.
Contents read_contents(const std::string& path, std::uint64_t max_bytes);

std::string to_table(const Contents& contents);
std::string to_json(const Contents& contents);

// An attribute for a terminal, and for JSON.
std::string attribute_text(const Attribute& attribute);
nlohmann::json attribute_json(const Attribute& attribute);

// Indented; what would steer a terminal as \uNNNN.
std::string dump(const nlohmann::json& json);
// A string for JSON: as it is, or escaped if it is no UTF-8.
std::string json_string(const std::string& text);

}  // namespace counterpoint::tools
