#include "contents.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "counterpoint/checkpoint/checkpoint_file.h"

namespace counterpoint::tools {
namespace {

constexpr std::int64_t max_shown = 64;  // elements in JSON
constexpr std::int64_t max_in_table = 8;

struct Row {
  std::string name;
  std::string type;
  std::string content;
};

std::string attribute_text(const std::variant<std::int64_t, std::string>& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *number);
  return escaped(std::get<std::string>(value));
}

nlohmann::json values_of(const Tensor& tensor) {
  nlohmann::json values = nlohmann::json::array();
  visit_dtype(tensor.dtype(), [&]<class T>(T) {
    for (const T value : tensor.values<T>()) {
      if constexpr (requires { value.to_float(); }) {
        values.push_back(value.to_float());
      } else {
        values.push_back(value);
      }
    }
  });
  return values;
}

void add_rows(const std::string& name, const SavedObject& object, std::vector<Row>& rows) {
  std::string attributes;
  for (const auto& [key, value] : object.attributes) {
    attributes +=
        fmt::format("{}{} {}", attributes.empty() ? "" : ", ", escaped(key), attribute_text(value));
  }
  rows.push_back({name, escaped(object.type), attributes});
  for (const auto& [key, tensor] : object.values) {
    const std::string content = tensor.size() <= max_in_table ? values_of(tensor).dump() : "";
    rows.push_back(
        {name + "/" + escaped(key),
         fmt::format("{} {}", dtype_name(tensor.dtype()), shape_to_string(tensor.shape())),
         content});
  }
  for (const auto& [key, member] : object.members)
    add_rows(name + "/" + escaped(key), member, rows);
}

nlohmann::json json_of(
    const std::map<std::string, std::variant<std::int64_t, std::string>>& attributes) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [key, value] : attributes) {
    std::visit([&](const auto& held) { json[key] = held; }, value);
  }
  return json;
}

nlohmann::json json_of(const SavedObject& object) {
  nlohmann::json json = {{"type", object.type},
                         {"attributes", json_of(object.attributes)},
                         {"values", nlohmann::json::object()},
                         {"members", nlohmann::json::object()}};
  for (const auto& [key, tensor] : object.values) {
    nlohmann::json& value = json["values"][key];
    value = {{"dtype", dtype_name(tensor.dtype())}, {"shape", tensor.shape()}};
    if (tensor.size() <= max_shown) value["elements"] = values_of(tensor);
  }
  for (const auto& [key, member] : object.members) json["members"][key] = json_of(member);
  return json;
}

// The bytes of the UTF-8 sequence at `position`; 0 if there is none.
std::size_t sequence_length(const std::string& text, std::size_t position) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned first = byte(position);
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  const std::size_t length = first >= 0xf0 && first < 0xf5   ? 4
                             : first >= 0xe0 && first < 0xf0 ? 3
                             : first >= 0xc3 && first < 0xe0 ? 2
                                                             : 0;  // 0xc2 begins the C1 controls
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(position + i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

std::string escaped(const std::string& text) {
  std::string safe;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = sequence_length(text, i);
    if (length == 0) {
      safe += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i]));
    } else {
      safe += text.substr(i, length);
    }
    i += std::max<std::size_t>(length, 1);
  }
  return safe;
}

Contents read_contents(const std::string& path, std::uint64_t max_bytes) {
  const CheckpointFile file(path, max_bytes);
  Contents contents{
      .path = path, .bytes = file.size_bytes(), .attributes = file.attributes(), .objects = {}};
  for (const std::string& name : file.names()) contents.objects.emplace(name, file.read(name));
  return contents;
}

std::string to_table(const Contents& contents) {
  std::vector<Row> rows;
  for (const auto& [name, object] : contents.objects) add_rows(escaped(name), object, rows);
  std::size_t name_width = 4;
  std::size_t type_width = 4;
  for (const Row& row : rows) {
    name_width = std::max(name_width, row.name.size());
    type_width = std::max(type_width, row.type.size());
  }
  std::string text = fmt::format("{}: {} bytes", escaped(contents.path), contents.bytes);
  for (const auto& [key, value] : contents.attributes) {
    text += fmt::format(", {} {}", escaped(key), attribute_text(value));
  }
  text += fmt::format("\n\n{:<{}}  {:<{}}  content\n", "name", name_width, "type", type_width);
  for (const Row& row : rows) {
    std::string line =
        fmt::format("{:<{}}  {:<{}}  {}", row.name, name_width, row.type, type_width, row.content);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string to_json(const Contents& contents) {
  nlohmann::json json = {{"path", contents.path},
                         {"bytes", contents.bytes},
                         {"attributes", json_of(contents.attributes)},
                         {"objects", nlohmann::json::object()}};
  for (const auto& [name, object] : contents.objects) json["objects"][name] = json_of(object);
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace counterpoint::tools
