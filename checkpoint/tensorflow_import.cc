#include "counterpoint/checkpoint/tensorflow_import.h"

#include <fmt/format.h>

#include <optional>

#include "counterpoint/checkpoint/file_operations.h"
#include "counterpoint/checkpoint/internal/agreement.h"
#include "counterpoint/checkpoint/internal/byte_reader.h"
#include "counterpoint/checkpoint/internal/readable_file.h"
#include "counterpoint/checkpoint/internal/sorted_table.h"
#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1 {
namespace {

using checkpoint_internal::ByteReader;
using checkpoint_internal::Malformed;
using checkpoint_internal::next_field;
using checkpoint_internal::ProtoField;

constexpr std::uint64_t max_index_bytes = std::uint64_t{1} << 30;
constexpr std::size_t max_named_generators = 16;
constexpr std::uint64_t tensorflow_int64 = 9;  // DataType DT_INT64
constexpr std::string_view state_suffix = "/_state_var/.ATTRIBUTES/VARIABLE_VALUE";

// BundleHeaderProto.
struct Bundle {
  std::uint64_t shards = 0;
  std::uint64_t endianness = 0;
};

// BundleEntryProto, as far as a generator's state needs it.
struct Entry {
  std::uint64_t dtype = 0;
  std::vector<std::uint64_t> shape;
  std::uint64_t shard = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;
};

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// What of an index is kept, whatever else is in it.
struct Index {
  std::optional<std::string> header;
  std::optional<std::string> entry;
  std::string generators;  // the first of them, for a message
  std::size_t generator_count = 0;
};

Bundle read_bundle(const Index& index) {
  if (!index.header) throw Malformed("no header entry");
  Bundle bundle;
  for (ByteReader message(bytes_of(*index.header)); !message.done();) {
    const ProtoField field = next_field(message);
    if (field.id == 1) bundle.shards = field.number;
    if (field.id == 2) bundle.endianness = field.number;
  }
  return bundle;
}

std::vector<std::uint64_t> read_shape(ByteReader message) {
  std::vector<std::uint64_t> shape;
  while (!message.done()) {
    ProtoField field = next_field(message);
    if (field.id != 2) continue;
    shape.push_back(0);
    while (!field.bytes.done()) {
      const ProtoField dimension = next_field(field.bytes);
      if (dimension.id == 1) shape.back() = dimension.number;
    }
  }
  return shape;
}

Entry read_entry(const std::string& text) {
  Entry entry;
  for (ByteReader message(bytes_of(text)); !message.done();) {
    const ProtoField field = next_field(message);
    switch (field.id) {
      case 1:
        entry.dtype = field.number;
        break;
      case 2:
        entry.shape = read_shape(field.bytes);
        break;
      case 3:
        entry.shard = field.number;
        break;
      case 4:
        entry.offset = field.number;
        break;
      case 5:
        entry.bytes = field.number;
        break;
      case 6:
        entry.checksum = field.number;
        break;
      default:
        break;
    }
  }
  return entry;
}

// TensorFlow escapes a '.' in an attribute's name.
std::string key_of(const std::string& name) {
  std::string key;
  for (const char c : name) key += c == '.' ? std::string("..") : std::string(1, c);
  return key + std::string(state_suffix);
}

Index read_index(std::span<const std::byte> table, const std::string& wanted) {
  Index index;
  const auto visit = [&](const std::string& key, const ByteReader& value) {
    if (key.empty()) index.header = value.text();
    if (key == wanted) index.entry = value.text();
    if (!key.ends_with(state_suffix)) return;
    if (++index.generator_count > max_named_generators) return;
    index.generators += fmt::format("{}'{}'", index.generators.empty() ? "" : ", ",
                                    key.substr(0, key.size() - state_suffix.size()));
  };
  checkpoint_internal::read_sorted_table(table, visit);
  return index;
}

std::string generators_in(const Index& index) {
  if (index.generator_count == 0) return "no generators";
  if (index.generator_count <= max_named_generators) return index.generators;
  return fmt::format("{} and {} more", index.generators,
                     index.generator_count - max_named_generators);
}

TensorFlowState read_state(FileOperations& files, const std::string& prefix,
                           const std::string& name) {
  const std::string index_path = prefix + ".index";
  const auto bytes_of_index = checkpoint_internal::read_whole(files, index_path, max_index_bytes);
  const Index index = read_index(bytes_of_index.span(), key_of(name));
  const Bundle bundle = read_bundle(index);
  if (bundle.endianness != 0) {
    throw Error(ErrorCode::unimplemented, "written on a big-endian machine");
  }
  if (!index.entry) {
    throw Error(ErrorCode::not_found, fmt::format("{}: no generator '{}'; the checkpoint has {}",
                                                  index_path, name, generators_in(index)));
  }
  const Entry entry = read_entry(*index.entry);
  const bool philox = entry.shape == std::vector<std::uint64_t>{3};
  const bool threefry = entry.shape == std::vector<std::uint64_t>{2};
  if (entry.dtype != tensorflow_int64 || !(philox || threefry) ||
      entry.bytes != entry.shape[0] * sizeof(std::int64_t)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{}: '{}' is no generator's state: type {} and {} dimensions where "
                            "3 (philox) or 2 (threefry) 64-bit integers were expected",
                            index_path, name, entry.dtype, entry.shape.size()));
  }
  if (entry.shard >= bundle.shards) throw Malformed("a shard that does not exist");

  checkpoint_internal::ReadableFile data(
      files, fmt::format("{}.data-{:05}-of-{:05}", prefix, entry.shard, bundle.shards));
  TensorFlowState state{.algorithm = philox ? "philox" : "threefry",
                        .words = std::vector<std::int64_t>(entry.shape[0])};
  const auto bytes = std::as_writable_bytes(std::span(state.words));
  data.read(bytes, entry.offset);
  if (checkpoint_internal::masked_crc32c(bytes) != entry.checksum) {
    throw Malformed("the state's checksum differs from its content");
  }
  return state;
}

}  // namespace

TensorFlowState import_tensorflow(const std::filesystem::path& prefix, const std::string& name,
                                  FileOperations* files) {
  try {
    return checkpoint_internal::with_memory_errors([&] {
      return read_state(files == nullptr ? FileOperations::posix() : *files, prefix.string(), name);
    });
  } catch (const Malformed& error) {
    throw Error(ErrorCode::data_loss,
                fmt::format("{}: damaged, or no TensorFlow checkpoint ({}); use another one",
                            prefix.string(), error.what()));
  }
}

}  // namespace counterpoint::inline v1
