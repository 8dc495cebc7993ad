// libFuzzer target: TensorFlow's index and data files. The first byte says whether the bytes are
// the index as it is, or the entries of its one block, around which the table is made right:
// lengths and checksums, which a fuzzer could not do by itself.
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include "checkpoint/faulty_files.h"
#include "counterpoint/checkpoint/internal/sorted_table.h"
#include "counterpoint/checkpoint/tensorflow_import.h"
#include "counterpoint/runtime/error.h"

namespace {

template <class T>
void append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void append_varint(std::string& bytes, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(0x80 | (value & 0x7f));
  bytes += static_cast<char>(value);
}

// A block with its restart point, compression and checksum; returns the handle to it.
std::string append_block(std::string& file, std::string block) {
  append<std::uint32_t>(block, 0);
  append<std::uint32_t>(block, 1);
  std::string handle;
  append_varint(handle, file.size());
  append_varint(handle, block.size());
  block += '\0';
  file += block;
  append(file, counterpoint::checkpoint_internal::masked_crc32c(
                   std::as_bytes(std::span(block.data(), block.size()))));
  return handle;
}

std::string table_of(const std::string& entries) {
  std::string file;
  const std::string data = append_block(file, entries);
  std::string index;
  append_varint(index, 0);
  append_varint(index, 1);
  append_varint(index, data.size());
  index += 'z';
  index += data;
  const std::string empty = append_block(file, "");
  std::string footer = empty + append_block(file, index);
  footer.resize(40);
  file += footer;
  append<std::uint64_t>(file, 0xdb4775248b80fb57);
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  checkpoint_tests::MemoryDisk disk;
  disk.put("ckpt.index", data[0] == 0 ? text : table_of(text));
  disk.put("ckpt.data-00000-of-00001", std::string(64, '\1'));
  for (const char* name : {"nested/rng", "rng", ""}) {
    try {
      counterpoint::import_tensorflow("ckpt", name, &disk);
    } catch (const counterpoint::Error&) {
    }
  }
  return 0;
}
