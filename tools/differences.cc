#include "differences.h"

#include <fmt/format.h>

#include <cstring>
#include <set>

#include "contents.h"
#include "element_text.h"
#include "escaped.h"

namespace counterpoint::tools {
namespace {

class Comparison {
 public:
  explicit Comparison(bool only_first) : only_first_(only_first) {}

  std::vector<Difference> differences;

  bool done() const { return only_first_ && !differences.empty(); }

  void objects(const std::string& where, const SavedObject* a, const SavedObject* b) {
    if (a == nullptr || b == nullptr) {
      only(where, a != nullptr);
      return;
    }
    if (a->type != b->type) {
      add({.where = where, .what = "type", .a = json_string(a->type), .b = json_string(b->type)},
          escaped(a->type), escaped(b->type));
    }
    attributes(where, a->attributes, b->attributes);
    each(a->values, b->values, [&](const std::string& key, const Tensor* x, const Tensor* y) {
      values(where + "/" + escaped(key), x, y);
    });
    each(a->members, b->members,
         [&](const std::string& key, const SavedObject* x, const SavedObject* y) {
           objects(where + "/" + escaped(key), x, y);
         });
  }

  void attributes(const std::string& where, const std::map<std::string, Attribute>& a,
                  const std::map<std::string, Attribute>& b) {
    each(a, b, [&](const std::string& key, const Attribute* x, const Attribute* y) {
      if (x != nullptr && y != nullptr && *x == *y) return;
      add({.where = where,
           .what = "attribute",
           .position = json_string(key),
           .a = x == nullptr ? nlohmann::json() : attribute_json(*x),
           .b = y == nullptr ? nlohmann::json() : attribute_json(*y)},
          x == nullptr ? "absent" : attribute_text(*x),
          y == nullptr ? "absent" : attribute_text(*y));
    });
  }

 private:
  template <class Map, class Visit>
  void each(const Map& a, const Map& b, Visit visit) {
    std::set<std::string> keys;
    for (const auto& [key, value] : a) keys.insert(key);
    for (const auto& [key, value] : b) keys.insert(key);
    for (const std::string& key : keys) {
      if (done()) return;
      const auto x = a.find(key);
      const auto y = b.find(key);
      visit(key, x == a.end() ? nullptr : &x->second, y == b.end() ? nullptr : &y->second);
    }
  }

  void values(const std::string& where, const Tensor* a, const Tensor* b) {
    if (a == nullptr || b == nullptr) {
      only(where, a != nullptr);
    } else if (a->dtype() != b->dtype()) {
      const std::string x(dtype_name(a->dtype()));
      const std::string y(dtype_name(b->dtype()));
      add({.where = where, .what = "dtype", .a = x, .b = y}, x, y);
    } else if (a->shape() != b->shape()) {
      add({.where = where, .what = "shape", .a = a->shape(), .b = b->shape()},
          shape_to_string(a->shape()), shape_to_string(b->shape()));
    } else {
      elements(where, *a, *b);
    }
  }

  void elements(const std::string& where, const Tensor& a, const Tensor& b) {
    const std::size_t size = dtype_size(a.dtype());
    const std::byte* const x = a.bytes().data();
    const std::byte* const y = b.bytes().data();
    if (a.size() == 0 || std::memcmp(x, y, a.bytes().size()) == 0) return;
    std::int64_t first = -1;
    std::int64_t differing = 0;
    for (std::int64_t i = 0; i < a.size(); ++i) {
      const std::size_t at = static_cast<std::size_t>(i) * size;
      if (std::memcmp(x + at, y + at, size) == 0) continue;
      if (first < 0) first = i;
      ++differing;
    }
    std::string x_text = element_text(a, first);
    std::string y_text = element_text(b, first);
    if (x_text == y_text) {  // NaNs
      x_text += bits_text(x + static_cast<std::size_t>(first) * size, size);
      y_text += bits_text(y + static_cast<std::size_t>(first) * size, size);
    }
    add({.where = where,
         .what = "element",
         .position = position_text(a.shape(), first),
         .a = element_json(a, first),
         .b = element_json(b, first),
         .differing = differing,
         .elements = a.size()},
        x_text, y_text);
  }

  static std::string bits_text(const std::byte* bytes, std::size_t size) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, bytes, size);
    return fmt::format(" (0x{:0{}x})", bits, 2 * size);
  }

  void only(const std::string& where, bool in_a) {
    add({.where = where, .what = "only", .a = in_a, .b = !in_a}, in_a ? "there" : "absent",
        in_a ? "absent" : "there");
  }

  void add(Difference difference, std::string a_text, std::string b_text) {
    if (done()) return;
    difference.a_text = std::move(a_text);
    difference.b_text = std::move(b_text);
    differences.push_back(std::move(difference));
  }

  bool only_first_;
};

}  // namespace

std::vector<Difference> differences_of(const CheckpointFile& a, const CheckpointFile& b,
                                       const DiffOptions& options) {
  Comparison comparison(options.only_first);
  comparison.attributes("", a.attributes(), b.attributes());
  const std::set<std::string> of_a(a.names().begin(), a.names().end());
  const std::set<std::string> of_b(b.names().begin(), b.names().end());
  std::set<std::string> names = of_a;
  names.insert(of_b.begin(), of_b.end());
  for (const std::string& name : names) {
    if (comparison.done()) break;
    comparison.objects(escaped(name), of_a.contains(name) ? &a.view(name) : nullptr,
                       of_b.contains(name) ? &b.view(name) : nullptr);
  }
  return std::move(comparison.differences);
}

std::string to_text(const Difference& difference, const std::string& a, const std::string& b) {
  std::string where = difference.where.empty() ? "the file" : difference.where;
  if (difference.what == "element") {
    if (!difference.position.empty()) where += ": element " + difference.position;
  } else if (difference.what == "attribute") {
    where += ": attribute " + escaped(difference.position);
  } else if (difference.what != "only") {
    where += ": " + difference.what;
  }
  std::string text =
      fmt::format("{}: {} in {}, {} in {}", where, difference.a_text, a, difference.b_text, b);
  if (difference.differing > 1) {
    text += fmt::format(" ({} of {} elements differ)", difference.differing, difference.elements);
  }
  return text;
}

nlohmann::json to_json(const std::vector<Difference>& differences) {
  nlohmann::json list = nlohmann::json::array();
  for (const Difference& difference : differences) {
    nlohmann::json entry = {{"where", difference.where},
                            {"what", difference.what},
                            {"a", difference.a},
                            {"b", difference.b}};
    if (difference.what == "element") {
      entry["position"] =
          nlohmann::json::parse(difference.position.empty() ? "[]" : difference.position);
      entry["differing"] = difference.differing;
      entry["elements"] = difference.elements;
    }
    if (difference.what == "attribute") entry["attribute"] = difference.position;
    list.push_back(std::move(entry));
  }
  return {{"equal", differences.empty()}, {"differences", std::move(list)}};
}

}  // namespace counterpoint::tools
