#include "counterpoint/checkpoint/internal/sorted_table.h"

#include <array>

#include "counterpoint/checkpoint/internal/byte_reader.h"
#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

constexpr std::size_t footer_bytes = 48;
constexpr std::size_t max_key_bytes = 64 << 10;
constexpr std::uint64_t table_magic = 0xdb4775248b80fb57;

constexpr std::array<std::uint32_t, 256> crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);
    table[byte] = crc;
  }
  return table;
}();

struct Handle {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

Handle read_handle(ByteReader& reader) {
  Handle handle;
  handle.offset = reader.varint();
  handle.size = reader.varint();
  return handle;
}

// The entries of one block, without the restart points behind them.
ByteReader open_block(std::span<const std::byte> file, const Handle& handle) {
  ByteReader reader(file);
  reader.take(handle.offset);
  const ByteReader block = reader.take(handle.size);
  // One byte of compression and a checksum of both follow.
  const auto compression = ByteReader(reader).fixed<std::uint8_t>();
  const auto checked = file.subspan(handle.offset, handle.size + 1);
  reader.take(1);
  if (reader.fixed<std::uint32_t>() != masked_crc32c(checked)) {
    throw Malformed("a block's checksum differs from its content");
  }
  if (compression != 0) {
    throw Error(ErrorCode::unimplemented,
                "compressed index blocks; save the TensorFlow checkpoint without compression");
  }
  constexpr std::size_t word = sizeof(std::uint32_t);
  if (block.size() < word) throw Malformed("a block is too short");
  const auto restarts = ByteReader(block.rest().last(word)).fixed<std::uint32_t>();
  if (restarts > block.size() / word - 1) throw Malformed("a block has too many restart points");
  return ByteReader(block.rest().first(block.size() - word * (restarts + std::size_t{1})));
}

// Calls `visit(key, value)` for each entry.
template <class Visit>
void for_each_entry(ByteReader block, Visit visit) {
  std::string key;
  while (!block.done()) {
    const std::uint64_t shared = block.varint();
    const std::uint64_t unshared = block.varint();
    const std::uint64_t value_bytes = block.varint();
    if (shared > key.size()) throw Malformed("a key shares more than its predecessor has");
    key.resize(shared);
    key += block.take(unshared).text();
    if (key.size() > max_key_bytes) throw Malformed("a key is longer than 64 KiB");
    visit(key, block.take(value_bytes));
  }
}

}  // namespace

std::uint32_t masked_crc32c(std::span<const std::byte> bytes) {
  std::uint32_t crc = ~std::uint32_t{0};
  for (const std::byte byte : bytes) {
    crc = (crc >> 8) ^ crc_table[(crc ^ static_cast<std::uint32_t>(byte)) & 0xff];
  }
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

void read_sorted_table(std::span<const std::byte> file, const TableVisitor& visit) {
  if (file.size() < footer_bytes) throw Malformed("shorter than a table's footer");
  ByteReader footer(file.last(footer_bytes));
  if (ByteReader(file.last(sizeof(table_magic))).fixed<std::uint64_t>() != table_magic) {
    throw Malformed("no table: its last eight bytes are others");
  }
  read_handle(footer);  // of the meta index, which is empty in TensorFlow's
  const Handle index = read_handle(footer);

  // Blocks follow each other, so that a hostile index cannot have one read a thousand times.
  std::uint64_t end = 0;
  for_each_entry(open_block(file, index), [&](const std::string&, ByteReader value) {
    const Handle handle = read_handle(value);
    if (handle.offset < end) throw Malformed("blocks overlap");
    for_each_entry(open_block(file, handle), visit);
    end = handle.offset + handle.size;
  });
}

}  // namespace counterpoint::inline v1::checkpoint_internal
