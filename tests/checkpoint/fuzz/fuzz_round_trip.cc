// libFuzzer target: whatever objects the bytes describe are saved and read back the same, or
// refused because the format has no room for them.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "checkpoint/images.h"
#include "counterpoint/runtime/error.h"

namespace cp = counterpoint;
namespace internal = counterpoint::checkpoint_internal;

namespace {

cp::Tensor make_tensor(FuzzedDataProvider& data) {
  const auto dtype = static_cast<cp::DType>(data.ConsumeIntegralInRange<int>(0, 7));
  cp::Shape shape;
  std::int64_t room = 20'000;
  for (int rank = data.ConsumeIntegralInRange<int>(0, 4); rank > 0; --rank) {
    shape.push_back(data.ConsumeIntegralInRange<std::int64_t>(0, room));
    room = shape.back() == 0 ? room : room / shape.back();
  }
  cp::Tensor tensor(dtype, shape);
  const auto bytes = tensor.bytes();
  if (!bytes.empty()) data.ConsumeData(bytes.data(), bytes.size());
  return tensor;
}

cp::SavedObject make_object(FuzzedDataProvider& data, int depth) {
  cp::SavedObject object{
      .type = data.ConsumeRandomLengthString(12), .attributes = {}, .values = {}, .members = {}};
  while (data.remaining_bytes() > 0) {
    const std::string name = data.ConsumeRandomLengthString(20);
    switch (data.ConsumeIntegralInRange<int>(0, depth > 17 ? 3 : 4)) {
      case 0:
        return object;
      case 1:
        object.attributes[name] = data.ConsumeIntegral<std::int64_t>();
        break;
      case 2:
        object.attributes[name] = data.ConsumeRandomLengthString(300);
        break;
      case 3:
        object.values.insert_or_assign(name, make_tensor(data));
        break;
      default:
        object.members.insert_or_assign(name, make_object(data, depth + 1));
        break;
    }
  }
  return object;
}

bool same(const cp::SavedObject& a, const cp::SavedObject& b) {
  if (a.type != b.type || a.attributes != b.attributes || a.values.size() != b.values.size() ||
      a.members.size() != b.members.size()) {
    return false;
  }
  for (const auto& [name, tensor] : a.values) {
    const auto found = b.values.find(name);
    if (found == b.values.end() || found->second.dtype() != tensor.dtype() ||
        found->second.shape() != tensor.shape()) {
      return false;
    }
    const auto bytes = tensor.bytes();
    if (!bytes.empty() &&
        std::memcmp(bytes.data(), found->second.bytes().data(), bytes.size()) != 0) {
      return false;
    }
  }
  for (const auto& [name, member] : a.members) {
    const auto found = b.members.find(name);
    if (found == b.members.end() || !same(member, found->second)) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  FuzzedDataProvider data(bytes, size);
  cp::SavedObject root{.type = "checkpoint",
                       .attributes = {{"format_version", internal::format_version},
                                      {"stream_version", internal::stream_version}},
                       .values = {},
                       .members = {}};
  root.members.insert_or_assign("object", make_object(data, 0));
  std::optional<internal::FileBytes> file;
  try {
    file = checkpoint_tests::sealed_file(root);
  } catch (const cp::Error& error) {
    if (error.code() != cp::ErrorCode::invalid_argument) std::abort();
    return 0;
  }
  // What was written is read: an error is a finding, and ends the process.
  internal::check_sealed("file", file->span());
  const internal::ImageReader reader("file", file->span());
  if (reader.names().size() != 1 || !same(root.members.at("object"), *reader.read("object"))) {
    std::abort();
  }
  return 0;
}
