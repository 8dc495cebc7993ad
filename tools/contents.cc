#include "contents.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <vector>

#include "checkpoint_paths.h"
#include "counterpoint/runtime/error.h"
#include "element_text.h"
#include "escaped.h"

namespace counterpoint::tools {
namespace {

constexpr std::int64_t max_in_json = 64;  // elements
constexpr std::int64_t max_in_table = 8;
constexpr std::size_t max_name_width = 48;       // longer names push their own line only
constexpr std::size_t max_attribute_width = 64;  // longer texts are cut in the table

struct Row {
  std::string name;
  std::string type;
  std::string content;
};

// Columns of a terminal that UTF-8 text takes, near enough: its characters.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

// The first `count` characters of UTF-8 text.
std::string first_of(const std::string& text, std::size_t count) {
  std::size_t end = 0;
  while (end < text.size() && (count != 0 || (text[end] & 0xc0) == 0x80)) {
    count -= (text[end] & 0xc0) != 0x80 ? 1 : 0;
    ++end;
  }
  return text.substr(0, end);
}

std::string elements_text(const Tensor& tensor) {
  std::string text;
  for (std::int64_t i = 0; i < tensor.size(); ++i) {
    text += (i == 0 ? "" : ", ") + element_text(tensor, i);
  }
  return tensor.shape().empty() ? text : "[" + text + "]";
}

void add_rows(const std::string& name, const SavedObject& object, std::vector<Row>& rows) {
  std::string attributes;
  for (const auto& [key, value] : object.attributes) {
    std::string text = attribute_text(value);
    if (width_of(text) > max_attribute_width) {
      text = fmt::format("{}... ({} bytes)", first_of(text, max_attribute_width),
                         std::get<std::string>(value).size());
    }
    attributes += fmt::format("{}{} {}", attributes.empty() ? "" : ", ", escaped(key), text);
  }
  rows.push_back({name, escaped(object.type), attributes});
  for (const auto& [key, tensor] : object.values) {
    rows.push_back(
        {name + "/" + escaped(key),
         fmt::format("{} {}", dtype_name(tensor.dtype()), shape_to_string(tensor.shape())),
         tensor.size() <= max_in_table ? elements_text(tensor) : ""});
  }
  for (const auto& [key, member] : object.members) {
    add_rows(name + "/" + escaped(key), member, rows);
  }
}

nlohmann::json json_of(const std::map<std::string, Attribute>& attributes) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [key, value] : attributes) json[json_string(key)] = attribute_json(value);
  return json;
}

nlohmann::json json_of(const SavedObject& object) {
  nlohmann::json json = {{"type", json_string(object.type)},
                         {"attributes", json_of(object.attributes)},
                         {"values", nlohmann::json::object()},
                         {"members", nlohmann::json::object()}};
  for (const auto& [key, tensor] : object.values) {
    nlohmann::json& value = json["values"][json_string(key)];
    value = {{"dtype", dtype_name(tensor.dtype())}, {"shape", tensor.shape()}};
    if (tensor.size() > max_in_json) continue;
    value["elements"] = nlohmann::json::array();
    for (std::int64_t i = 0; i < tensor.size(); ++i) {
      value["elements"].push_back(element_json(tensor, i));
    }
  }
  for (const auto& [key, member] : object.members) {
    json["members"][json_string(key)] = json_of(member);
  }
  return json;
}

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width - std::min(width, width_of(text)), ' ');
}

Contents contents_of(const std::string& path, std::uint64_t max_bytes) {
  require_readable(path);
  Contents contents{.path = path, .file = CheckpointFile(path, max_bytes), .objects = {}};
  for (const std::string& name : contents.file.names()) {
    contents.objects.emplace(name, &contents.file.view(name));
  }
  return contents;
}

}  // namespace

std::string attribute_text(const Attribute& attribute) {
  if (const auto* number = std::get_if<std::int64_t>(&attribute)) return fmt::format("{}", *number);
  return escaped(std::get<std::string>(attribute));
}

nlohmann::json attribute_json(const Attribute& attribute) {
  if (const auto* number = std::get_if<std::int64_t>(&attribute)) return *number;
  return json_string(std::get<std::string>(attribute));
}

std::string json_string(const std::string& text) {
  try {
    (void)nlohmann::json(text).dump();  // throws for what is no UTF-8
    return text;
  } catch (const nlohmann::json::type_error&) {
    return escaped(text);
  }
}

std::string dump(const nlohmann::json& json) { return escaped_in_json(json.dump(2)); }

Contents read_contents(const std::string& path, std::uint64_t max_bytes) {
  try {
    return contents_of(path, max_bytes);
  } catch (const Error& error) {
    if (error.message().find(path) != std::string::npos) throw;
    throw Error(error.code(), fmt::format("{}: {}", path, error.message()));
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::resource_exhausted,
                fmt::format("{}: no memory within the limits; --memory-mib raises that", path));
  }
}

std::string to_table(const Contents& contents) {
  std::vector<Row> rows;
  for (const auto& [name, object] : contents.objects) add_rows(escaped(name), *object, rows);
  std::size_t name_width = 4;
  std::size_t type_width = 4;
  for (const Row& row : rows) {
    if (width_of(row.name) <= max_name_width) {
      name_width = std::max(name_width, width_of(row.name));
    }
    type_width = std::max(type_width, width_of(row.type));
  }
  std::string text =
      fmt::format("{}: {} bytes", escaped(contents.path), contents.file.size_bytes());
  for (const auto& [key, value] : contents.file.attributes()) {
    text += fmt::format(", {} {}", escaped(key), attribute_text(value));
  }
  text +=
      fmt::format("\n\n{}  {}  content\n", padded("name", name_width), padded("type", type_width));
  for (const Row& row : rows) {
    std::string line =
        padded(row.name, name_width) + "  " + padded(row.type, type_width) + "  " + row.content;
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string to_json(const Contents& contents) {
  nlohmann::json json = {{"path", json_string(contents.path)},
                         {"bytes", contents.file.size_bytes()},
                         {"attributes", json_of(contents.file.attributes())},
                         {"objects", nlohmann::json::object()}};
  for (const auto& [name, object] : contents.objects) {
    json["objects"][json_string(name)] = json_of(*object);
  }
  return dump(json);
}

}  // namespace counterpoint::tools
