#include "distributions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "exit_codes.h"

namespace counterpoint::tools {
namespace {

template <class T>
bool parse(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

Parameter number(std::string_view option, std::string_view text) {
  std::int64_t integer = 0;
  if (parse(text, integer)) return integer;
  std::uint64_t large = 0;
  if (parse(text, large)) return large;
  double real = 0;
  if (parse(text, real)) return real;
  throw UsageError(
      fmt::format("--{} is '{}', which is no number that a double holds", option, text));
}

std::vector<std::string_view> between_commas(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t comma = text.find(',');
    std::string_view part = text.substr(0, comma);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    parts.push_back(part);
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

bool takes(const DistributionInfo& distribution, std::string_view name) {
  return std::ranges::any_of(distribution.parameters,
                             [&](const ParameterInfo& each) { return each.name == name; });
}

}  // namespace

const std::vector<DistributionInfo>& distributions() {
  static const std::vector<DistributionInfo> all = {
      {"normal", DType::f32, {{"mean", "0"}, {"stddev", "1"}}},
      {"truncated_normal", DType::f32, {{"mean", "0"}, {"stddev", "1"}}},
      {"uniform", DType::f32, {{"minval", "0"}, {"maxval", "1"}}},
      {"uniform_full_int", DType::u32, {}},
      {"binomial", DType::i32, {{"counts", {}}, {"probs", {}}}},
      {"gamma", DType::f32, {{"alpha", {}}, {"beta", "1"}}, true},
      {"poisson", DType::i32, {{"lam", {}}}, true},
      {"categorical", DType::i64, {{"logits", {}}}, true},
      {"parameterized_truncated_normal",
       DType::f32,
       {{"mean", "0"}, {"stddev", "1"}, {"minval", "-2"}, {"maxval", "2"}},
       true},
  };
  return all;
}

const DistributionInfo& distribution_of(std::string_view name) {
  const auto found = std::ranges::find(distributions(), name, &DistributionInfo::name);
  if (found != distributions().end()) return *found;
  std::vector<std::string_view> names;
  for (const DistributionInfo& each : distributions()) names.push_back(each.name);
  throw UsageError(
      fmt::format("no distribution is called '{}'; there are {}", name, fmt::join(names, ", ")));
}

DType dtype_named(std::string_view name) {
  static const std::map<std::string_view, DType> names = {
      {"f16", DType::f16},     {"float16", DType::f16},   {"half", DType::f16},
      {"bf16", DType::bf16},   {"bfloat16", DType::bf16}, {"f32", DType::f32},
      {"float32", DType::f32}, {"float", DType::f32},     {"f64", DType::f64},
      {"float64", DType::f64}, {"double", DType::f64},    {"i32", DType::i32},
      {"int32", DType::i32},   {"i64", DType::i64},       {"int64", DType::i64},
      {"u32", DType::u32},     {"uint32", DType::u32},    {"u64", DType::u64},
      {"uint64", DType::u64}};
  const auto found = names.find(name);
  if (found != names.end()) return found->second;
  throw UsageError(fmt::format(
      "--dtype is '{}'; it is one of f16, bf16, f32, f64, i32, i64, u32, u64 (or float16, ...)",
      name));
}

Parameters parameters_of(const DistributionInfo& distribution, DType dtype,
                         const std::map<std::string, std::string>& given) {
  for (const auto& [name, text] : given) {
    if (!takes(distribution, name)) {
      throw UsageError(fmt::format("--{} is no parameter of {}", name, distribution.name));
    }
  }
  // A range of integers has no natural ends.
  const bool needs_all = distribution.name == "uniform" && !is_floating(dtype);
  Parameters parameters;
  for (const ParameterInfo& each : distribution.parameters) {
    const auto found = given.find(std::string(each.name));
    if (found == given.end() && (!each.fallback || needs_all)) {
      throw UsageError(fmt::format("{}{} needs --{}", distribution.name,
                                   needs_all ? fmt::format(" in {}", dtype_name(dtype)) : "",
                                   each.name));
    }
    if (each.name == "logits") continue;  // a list, which SlicedDraw reads
    parameters.emplace(each.name,
                       number(each.name, found == given.end() ? *each.fallback : found->second));
  }
  return parameters;
}

std::vector<double> numbers(std::string_view option, std::string_view text) {
  std::vector<double> values;
  for (const std::string_view part : between_commas(text)) {
    values.push_back(number(option, part).as_floating(DType::f64));
  }
  return values;
}

std::vector<std::int64_t> integers(std::string_view option, std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  std::vector<std::int64_t> values;
  if (text.empty()) return values;
  std::vector<std::string_view> parts = between_commas(text);
  if (parts.size() > 1 && parts.back().empty()) parts.pop_back();  // "7,"
  for (const std::string_view part : parts) {
    std::int64_t value = 0;
    std::uint64_t large = 0;
    if (!parse(part, value)) {
      if (!parse(part, large)) {
        throw UsageError(
            fmt::format("--{} has '{}', which is no integer of 64 bits", option, part));
      }
      value = static_cast<std::int64_t>(large);
    }
    values.push_back(value);
  }
  return values;
}

}  // namespace counterpoint::tools
