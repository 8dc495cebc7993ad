// Reads files of known answers: the format of tests/golden/README.md.
//
//   for (const golden::json& one : golden::read_cases("strategies.json")) play(one);
//   golden::replica_counts(one);   // {4}: a case for four replicas
//   golden::check_fields(step);    // throws for a field that the format does not have
//
// Integers that no 64-bit type holds (seeds may be of any size) are strings of digits.
// Thread-safety: pure.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace golden {

using nlohmann::json;

// Why a step or a file does not agree, for a person.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Errors: Failure for a file that cannot be read or is not a list of cases.
std::vector<json> read_cases(const std::filesystem::path& file);

// The numbers of replicas that the case or its steps name; empty for a case of plain generators.
std::set<int> replica_counts(const json& one_case);

// Errors: Failure for a field that is in no table of the format, which would be skipped in silence.
void check_fields(const json& step);

// An integer of the format in 64 bits: values from 2^63 on wrap, as TensorFlow's lists do.
std::int64_t as_word(const json& value);
std::vector<std::int64_t> as_words(const json& list);

}  // namespace golden
