#include "golden_replay/case_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string_view>
#include <utility>

namespace golden {
namespace {

// Builds a document as nlohmann's own parser does, but keeps the digits of integers that it would
// round to a double.
class DocumentBuilder final : public nlohmann::json_sax<json> {
 public:
  json take() { return std::move(document_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t& digits) override {
    const bool is_integer = digits.find_first_of(".eE") == std::string::npos;
    return is_integer ? add(digits) : add(value);
  }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t& value) override { return add(std::move(value)); }
  bool start_object(std::size_t) override { return open(json::object()); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& value) override {
    key_ = std::move(value);
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const json::exception& error) override {
    throw Failure(error.what());
  }

 private:
  json& place(json value) {
    if (open_.empty()) return document_ = std::move(value);
    json& parent = *open_.back();
    if (parent.is_object()) return parent[key_] = std::move(value);
    parent.push_back(std::move(value));
    return parent.back();
  }
  bool add(json value) {
    place(std::move(value));
    return true;
  }
  bool open(json container) {
    open_.push_back(&place(std::move(container)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  json document_;
  std::vector<json*> open_;  // a container does not move while one inside it is open
  std::string key_;
};

void add_count(std::set<int>& counts, const json& object) {
  if (object.contains("replicas")) counts.insert(object.at("replicas").get<int>());
}

}  // namespace

std::vector<json> read_cases(const std::filesystem::path& file) {
  std::ifstream stream(file);
  if (!stream) throw Failure("cannot be read");
  DocumentBuilder builder;
  json::sax_parse(stream, &builder);
  const json document = builder.take();
  const auto is_case = [](const json& one) {
    return one.is_object() && one.contains("name") && one.at("name").is_string() &&
           one.contains("steps") && one.at("steps").is_array();
  };
  if (!document.is_array() || !std::ranges::all_of(document, is_case)) {
    throw Failure("is not a list of cases with a name and steps");
  }
  return document.get<std::vector<json>>();
}

std::set<int> replica_counts(const json& one_case) {
  std::set<int> counts;
  add_count(counts, one_case);
  for (const json& step : one_case.at("steps")) add_count(counts, step);
  return counts;
}

void check_fields(const json& step) {
  static const std::set<std::string_view> known = {
      "op",     "gen",    "into",   "where",  "replicas",     "dtype",       "shape", "mean",
      "stddev", "minval", "maxval", "counts", "probs",        "alpha",       "beta",  "lam",
      "logits", "want",   "state",  "states", "logits_dtype", "num_samples", "first", "last",
      "sha256", "seed",   "alg",    "key",    "counter",      "key_want",    "value", "delta",
      "count",  "num",    "data",   "name"};
  for (const auto& item : step.items()) {
    if (!known.contains(item.key())) throw Failure(fmt::format("unknown field '{}'", item.key()));
  }
}

std::int64_t as_word(const json& value) {
  if (value.is_number_unsigned()) return static_cast<std::int64_t>(value.get<std::uint64_t>());
  if (value.is_number_integer()) return value.get<std::int64_t>();
  throw Failure(fmt::format("{} is not a 64-bit integer", value.dump()));
}

std::vector<std::int64_t> as_words(const json& list) {
  std::vector<std::int64_t> words;
  for (const json& value : list) words.push_back(as_word(value));
  return words;
}

}  // namespace golden
