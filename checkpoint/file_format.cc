#include "counterpoint/checkpoint/internal/file_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

static_assert(std::endian::native == std::endian::little,
              "files are little-endian, and values are written from where they lie");

// A byte above 0x7f and both line ends show a file that went through a text or 7-bit transfer.
constexpr std::array<unsigned char, 8> magic = {0x89, 'C', 'P', 'T', '\r', '\n', 0x1a, '\n'};

Digest digest_of(FileHeader header, std::span<const Digest> leaves) {
  header.digest.fill(std::byte{0});
  return top_digest(std::as_bytes(std::span(&header, 1)), leaves);
}

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw Error(ErrorCode::data_loss, fmt::format("{}: {}; use another checkpoint", path, what));
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

FileHeader sealed_header(std::uint64_t file_bytes, std::span<const Digest> leaves) {
  FileHeader header{};
  header.magic = magic;
  header.format_version = static_cast<std::uint32_t>(format_version);
  header.leaf_bytes = static_cast<std::uint32_t>(leaf_bytes);
  header.file_bytes = file_bytes;
  header.digest = digest_of(header, leaves);
  return header;
}

FileHeader check_header(const std::string& path, std::span<const std::byte> start,
                        std::uint64_t file_bytes) {
  if (start.empty()) fail(path, "the file is empty");
  if (start.size() < magic.size() || std::memcmp(start.data(), magic.data(), magic.size()) != 0) {
    fail(path, "not a checkpoint of Counterpoint (it does not begin with its eight magic bytes)");
  }
  if (file_bytes <= header_bytes) fail(path, fmt::format("truncated to {} bytes", file_bytes));
  FileHeader header;
  std::memcpy(&header, start.data(), sizeof(header));
  if (file_bytes < header.file_bytes) {
    fail(path, fmt::format("truncated: {} of {} bytes are there", file_bytes, header.file_bytes));
  }
  if (file_bytes > header.file_bytes) {
    fail(path, fmt::format("{} bytes long where {} were written", file_bytes, header.file_bytes));
  }
  if (std::ranges::any_of(header.zeros, [](std::byte byte) { return byte != std::byte{}; })) {
    fail(path, "damaged: its header block does not end with zeros");
  }
  return header;
}

void check_digest(const std::string& path, const FileHeader& header,
                  std::span<const Digest> leaves) {
  if (header.leaf_bytes != leaf_bytes || header.digest != digest_of(header, leaves)) {
    fail(path, "damaged: the SHA-256 of its content is not the one in its header");
  }
  if (header.format_version != format_version) {
    throw Error(ErrorCode::failed_precondition,
                fmt::format("{}: format version {}, this library reads version {}; restore it with "
                            "the version of Counterpoint that wrote it",
                            path, header.format_version, format_version));
  }
}

void seal(std::span<std::byte> file) {
  const FileHeader header = sealed_header(file.size(), leaf_digests(file.subspan(header_bytes)));
  std::memcpy(file.data(), &header, sizeof(header));
}

void check_sealed(const std::string& path, std::span<const std::byte> file) {
  const FileHeader header =
      check_header(path, file.first(std::min(file.size(), header_bytes)), file.size());
  check_digest(path, header, leaf_digests(file.subspan(header_bytes)));
}

}  // namespace counterpoint::inline v1::checkpoint_internal
