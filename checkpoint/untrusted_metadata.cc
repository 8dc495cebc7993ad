#include "counterpoint/checkpoint/internal/untrusted_metadata.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "counterpoint/checkpoint/internal/byte_reader.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

constexpr std::size_t signature_bytes = 4;
constexpr std::size_t checksum_bytes = 4;
constexpr std::uint8_t message_is_shared = 2;
constexpr std::uint16_t continuation_message = 0x10;
constexpr std::uint16_t cache_image_message = 0x18;

ByteReader reader_at(std::span<const std::byte> metadata, std::uint64_t offset) {
  ByteReader reader(metadata);
  reader.take(offset);
  return reader;
}

bool begins_with(const ByteReader& reader, std::string_view signature) {
  const auto bytes = reader.rest();
  return bytes.size() >= signature.size() &&
         std::equal(signature.begin(), signature.end(), bytes.begin(),
                    [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
}

struct Chunk {
  std::uint64_t offset;
  std::uint64_t size;
};

// Of a header of version 1 or 2: its messages, and the chunks that go on with them.
class HeaderWalk {
 public:
  HeaderWalk(std::span<const std::byte> metadata, bool is_second, bool has_order)
      : metadata_(metadata), is_second_(is_second), has_order_(has_order) {}

  // Whether none is shared. Errors: Malformed.
  bool has_own_messages(ByteReader messages) {
    if (!are_own(messages)) return false;
    std::uint64_t left =
        metadata_.size();  // chunks share nothing, so all fit into the file together
    for (std::size_t i = 0; i < chunks_.size(); ++i) {
      // libhdf5 would take a length that cannot be for a lack of memory.
      if (chunks_[i].size == 0 || chunks_[i].size > left) return false;
      left -= chunks_[i].size;
      ByteReader chunk = reader_at(metadata_, chunks_[i].offset).take(chunks_[i].size);
      if (is_second_) {
        chunk.take(signature_bytes);
        if (chunk.size() < checksum_bytes) continue;
        chunk = chunk.take(chunk.size() - checksum_bytes);
      }
      if (!are_own(chunk)) return false;
    }
    return true;
  }

 private:
  bool are_own(ByteReader messages) {
    const std::size_t prefix = is_second_ ? (has_order_ ? 6 : 4) : 8;
    while (messages.size() >= prefix) {
      const std::uint16_t type =
          is_second_ ? messages.fixed<std::uint8_t>() : messages.fixed<std::uint16_t>();
      const auto size = messages.fixed<std::uint16_t>();
      const auto flags = messages.fixed<std::uint8_t>();
      if (!is_second_) messages.take(3);
      if (has_order_) messages.take(2);
      if ((flags & message_is_shared) != 0 || type == cache_image_message) return false;
      if (messages.size() < size) return true;  // libhdf5 refuses it
      ByteReader content = messages.take(size);
      if (type == continuation_message) {
        const auto offset = content.fixed<std::uint64_t>();
        chunks_.push_back({offset, content.fixed<std::uint64_t>()});
      }
    }
    return true;
  }

  std::span<const std::byte> metadata_;
  bool is_second_;
  bool has_order_;
  std::vector<Chunk> chunks_;
};

bool has_own_messages(std::span<const std::byte> metadata, std::uint64_t offset) {
  ByteReader reader = reader_at(metadata, offset);
  if (begins_with(reader, "OHDR")) {
    reader.take(signature_bytes + 1);
    const auto flags = reader.fixed<std::uint8_t>();
    if ((flags & 0x20) != 0) reader.take(16);  // times
    if ((flags & 0x10) != 0) reader.take(4);   // when attributes change their storage
    std::uint64_t size = 0;
    for (int byte = 0; byte < 1 << (flags & 3); ++byte) {
      size |= std::uint64_t{reader.fixed<std::uint8_t>()} << (8 * byte);
    }
    return HeaderWalk(metadata, true, (flags & 4) != 0).has_own_messages(reader.take(size));
  }
  if (reader.fixed<std::uint8_t>() != 1) return true;
  reader.take(7);
  const auto size = reader.fixed<std::uint32_t>();
  reader.take(4);
  return HeaderWalk(metadata, false, false).has_own_messages(reader.take(size));
}

}  // namespace

bool has_offsets_of_8_bytes(std::span<const std::byte> metadata) {
  constexpr std::size_t version_at = 8;
  if (metadata.size() < 16) return false;
  const auto at = [&](std::size_t i) { return std::to_integer<int>(metadata[i]); };
  const std::size_t sizes_at = at(version_at) < 2 ? 13 : 9;
  return begins_with(ByteReader(metadata), "\x89HDF\r\n\x1a\n") && at(sizes_at) == 8 &&
         at(sizes_at + 1) == 8;
}

bool is_finite_tree_node(std::span<const std::byte> metadata, std::uint64_t offset) {
  try {
    ByteReader reader = reader_at(metadata, offset);
    if (!begins_with(reader, "TREE")) return true;
    reader.take(signature_bytes);
    const auto type = reader.fixed<std::uint8_t>();
    const auto level = reader.fixed<std::uint8_t>();
    const auto entries = reader.fixed<std::uint16_t>();
    if (type != 0) return false;  // of chunks, which the format has not
    reader.take(16);              // siblings
    for (int i = 0; level > 0 && i < entries; ++i) {
      reader.take(8);  // key
      ByteReader child = reader_at(metadata, reader.fixed<std::uint64_t>());
      if (!begins_with(child, "TREE")) return false;
      child.take(signature_bytes + 1);
      if (child.fixed<std::uint8_t>() != level - 1) return false;
    }
    return true;
  } catch (const Malformed&) {
    return false;
  }
}

bool is_finite_heap(std::span<const std::byte> metadata, std::uint64_t offset) {
  constexpr std::uint64_t no_more = 1;
  constexpr std::uint64_t least_block = 16;
  try {
    ByteReader reader = reader_at(metadata, offset);
    if (!begins_with(reader, "HEAP")) return true;
    reader.take(signature_bytes + 4);
    const auto size = reader.fixed<std::uint64_t>();
    auto free = reader.fixed<std::uint64_t>();
    const ByteReader data = reader_at(metadata, reader.fixed<std::uint64_t>()).take(size);
    for (std::uint64_t blocks = 0; free != no_more; ++blocks) {
      if (blocks > size / least_block) return false;
      ByteReader block = data;
      block.take(free);
      free = block.fixed<std::uint64_t>();
    }
    return true;
  } catch (const Malformed&) {
    return false;
  }
}

bool is_finite_object_header(std::span<const std::byte> metadata, std::uint64_t offset) {
  try {
    return has_own_messages(metadata, offset);
  } catch (const Malformed&) {
    return true;
  }
}

}  // namespace counterpoint::inline v1::checkpoint_internal
