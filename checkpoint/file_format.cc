#include "counterpoint/checkpoint/internal/file_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "counterpoint/checkpoint/internal/digest_tree.h"
#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

static_assert(std::endian::native == std::endian::little,
              "files are little-endian, and values are written from where they lie");

// A byte above 0x7f and both line ends show a file that went through a text or 7-bit transfer.
constexpr std::array<unsigned char, 8> magic = {0x89, 'C', 'P', 'T', '\r', '\n', 0x1a, '\n'};

struct Header {
  std::array<unsigned char, 8> magic;
  std::uint32_t format_version;
  std::uint32_t leaf_bytes;
  std::uint64_t file_bytes;
  Digest digest;  // of this block with the digest zero, then of the leaves of the rest
  std::array<std::byte, 456> zeros;
};
static_assert(sizeof(Header) == header_bytes);

Digest digest_of(Header header, std::span<const std::byte> file) {
  header.digest.fill(std::byte{0});
  return digest_tree(std::as_bytes(std::span(&header, 1)), file.subspan(header_bytes));
}

}  // namespace

bool is_layout_attribute(std::string_view name) {
  return name == type_attribute || name == values_attribute || name == members_attribute ||
         name == attributes_attribute;
}

std::string fault_of_name(std::string_view name) {
  if (name.empty()) return "is empty";
  if (name == "." || name == "..") return "means a folder";
  if (name.size() > max_name_bytes) {
    return fmt::format("has {} bytes, more than {}", name.size(), max_name_bytes);
  }
  for (const char c : name) {
    if (c == '/') return "has a '/'";
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return "has a control character";
  }
  return "";
}

void seal(std::span<std::byte> file) {
  Header header{};
  header.magic = magic;
  header.format_version = static_cast<std::uint32_t>(format_version);
  header.leaf_bytes = static_cast<std::uint32_t>(leaf_bytes);
  header.file_bytes = file.size();
  header.digest = digest_of(header, file);
  std::memcpy(file.data(), &header, sizeof(header));
}

void check_sealed(const std::string& path, std::span<const std::byte> file) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorCode::data_loss, fmt::format("{}: {}; use another checkpoint", path, what));
  };
  if (file.empty()) fail("the file is empty");
  if (file.size() < magic.size() || std::memcmp(file.data(), magic.data(), magic.size()) != 0) {
    fail("not a checkpoint of Counterpoint (it does not begin with its eight magic bytes)");
  }
  if (file.size() <= header_bytes) fail(fmt::format("truncated to {} bytes", file.size()));
  Header header;
  std::memcpy(&header, file.data(), sizeof(header));
  if (file.size() < header.file_bytes) {
    fail(fmt::format("truncated: {} of {} bytes are there", file.size(), header.file_bytes));
  }
  if (file.size() > header.file_bytes) {
    fail(fmt::format("{} bytes long where {} were written", file.size(), header.file_bytes));
  }
  if (header.leaf_bytes != leaf_bytes || header.digest != digest_of(header, file)) {
    fail("damaged: the SHA-256 of its content is not the one in its header");
  }
  if (header.format_version != format_version) {
    throw Error(ErrorCode::failed_precondition,
                fmt::format("{}: format version {}, this library reads version {}; restore it with "
                            "the version of Counterpoint that wrote it",
                            path, header.format_version, format_version));
  }
}

}  // namespace counterpoint::inline v1::checkpoint_internal
