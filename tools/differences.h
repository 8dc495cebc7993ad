// Where two checkpoints differ: objects in order of their names, and within one its type,
// attributes, values and members.
//
//   const auto differences = differences_of(CheckpointFile(a), CheckpointFile(b), {.only_first = true});
//   if (!differences.empty()) fmt::print("{}\n", to_text(differences[0], "a.h5", "b.h5"));
//
// Elements are compared bit by bit: a NaN equals itself, 0 is not -0. Thread-safety: pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "counterpoint/checkpoint/checkpoint_file.h"

namespace counterpoint::tools {

struct Difference {
  std::string where = {};     // "model/noise/state", escaped
  std::string what = {};      // "element", "attribute", "type", "dtype", "shape", "only"
  std::string position = {};  // of the element: "[1, 2]"; the name of the attribute
  nlohmann::json a = {};      // null where there is none
  nlohmann::json b = {};
  std::string a_text = {};  // for people
  std::string b_text = {};
  std::int64_t differing = 0;  // elements that differ, of `elements`
  std::int64_t elements = 0;
};

struct DiffOptions {
  bool only_first = true;
};

// Errors: as CheckpointFile.
std::vector<Difference> differences_of(const CheckpointFile& a, const CheckpointFile& b,
                                       const DiffOptions& options);

std::string to_text(const Difference& difference, const std::string& a, const std::string& b);
nlohmann::json to_json(const std::vector<Difference>& differences);

}  // namespace counterpoint::tools
