// Generators out of checkpoints that TensorFlow wrote, and out of files that it did not.
#include "counterpoint/checkpoint/tensorflow_import.h"

#include <sys/resource.h>

#include <nlohmann/json.hpp>

#include "checkpoint/faulty_files.h"
#include "checkpoint/support.h"
#include "counterpoint/checkpoint/internal/sorted_table.h"

namespace checkpoint_tests {
namespace {

const std::string golden = COUNTERPOINT_GOLDEN_DIR "/tensorflow_checkpoint";

TEST(TensorFlowImport, FindsWhatTensorFlowSaved) {
  const auto answers = nlohmann::json::parse(read_file(golden + "/answers.json"));
  ASSERT_FALSE(answers.empty());
  for (const auto& [prefix, answer] : answers.items()) {
    const auto state = cp::import_tensorflow(golden + "/" + prefix, answer["name"]);
    EXPECT_EQ(state.algorithm, answer["algorithm"].get<std::string>()) << prefix;
    EXPECT_EQ(state.words, answer["state"].get<std::vector<std::int64_t>>()) << prefix;
  }
}

TEST(TensorFlowImport, SaysWhichGeneratorsAreThere) {
  const cp::Error error =
      error_of([] { cp::import_tensorflow(golden + "/plain-1", "my_generator"); });
  EXPECT_EQ(error.code(), cp::ErrorCode::not_found);
  EXPECT_NE(error.message().find("'nested/rng'"), std::string::npos) << error.what();
  EXPECT_EQ(error_of([] { cp::import_tensorflow(golden + "/absent", "x"); }).code(),
            cp::ErrorCode::not_found);
}

class DamagedTensorFlow : public testing::Test {
 protected:
  cp::TensorFlowState import_with(const std::string& index_bytes, const std::string& data_bytes,
                                  const std::string& name = "nested/rng") {
    disk.put("ckpt.index", index_bytes);
    disk.put("ckpt.data-00000-of-00001", data_bytes);
    return cp::import_tensorflow("ckpt", name, &disk);
  }
  cp::ErrorCode code_with(const std::string& index_bytes, const std::string& data_bytes) {
    return error_of([&] { import_with(index_bytes, data_bytes); }).code();
  }

  MemoryDisk disk;
  const std::string index = read_file(golden + "/plain-1.index");
  const std::string data = read_file(golden + "/plain-1.data-00000-of-00001");
};

TEST_F(DamagedTensorFlow, EveryFlippedBitOfTheStateAndItsIndexIsFound) {
  int harmless = 0;
  for (std::size_t i = 0; i < index.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = index;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      try {
        // The footer has padding, and a handle of an empty block, that nobody reads.
        EXPECT_EQ(import_with(flipped, data).words, (std::vector<std::int64_t>{1280, 7, 8}));
        ++harmless;
      } catch (const cp::Error& error) {
        EXPECT_EQ(error.code(), cp::ErrorCode::data_loss) << error.what();
      }
    }
  }
  EXPECT_LT(harmless, 64 * 8);
  for (std::size_t i = 8; i < 32; ++i) {
    std::string flipped = data;
    flipped[i] = static_cast<char>(flipped[i] ^ 4);
    EXPECT_EQ(code_with(index, flipped), cp::ErrorCode::data_loss) << i;
  }
}

TEST_F(DamagedTensorFlow, TruncatedFilesAreRefused) {
  for (std::size_t size = 0; size < index.size(); ++size) {
    EXPECT_EQ(code_with(index.substr(0, size), data), cp::ErrorCode::data_loss);
  }
  for (std::size_t size = 0; size < 32; ++size) {
    EXPECT_EQ(code_with(index, data.substr(0, size)), cp::ErrorCode::data_loss);
  }
}

TEST_F(DamagedTensorFlow, OtherVariablesAreNoGenerators) {
  const cp::Error error =
      error_of([&] { import_with(read_file(golden + "/many.index"), data, "v000"); });
  EXPECT_EQ(error.code(), cp::ErrorCode::not_found);
  EXPECT_NE(error.message().find("'zz_rng'"), std::string::npos) << error.what();
}

std::string varint(std::uint64_t number) {
  std::string text;
  for (; number > 127; number >>= 7) text += static_cast<char>((number & 127) | 128);
  return text + static_cast<char>(number);
}

// Keys of which each shares all but its last two bytes with the one before, in one block.
std::string table_of_keys(std::size_t shared, int count) {
  std::string table;
  const auto put = [&](const std::string& entries) {
    const std::string block = entries + std::string("\0\0\0\0\1\0\0\0", 8);
    const std::string handle = varint(table.size()) + varint(block.size());
    const std::string checked = block + '\0';
    const std::uint32_t crc =
        internal::masked_crc32c(std::as_bytes(std::span(checked.data(), checked.size())));
    table += checked + std::string(reinterpret_cast<const char*>(&crc), sizeof crc);
    return handle;
  };
  std::string entries = varint(0) + varint(shared) + varint(0) + std::string(shared, 'a');
  for (int i = 0; i < count; ++i) {
    entries += varint(shared) + varint(2) + varint(0) + static_cast<char>(i >> 8) +
               static_cast<char>(i & 255);
  }
  const std::string handle = put(entries);
  const std::string index = put(varint(0) + varint(1) + varint(handle.size()) + "z" + handle);
  std::string footer = varint(0) + varint(0) + index;
  footer.resize(40);
  const std::uint64_t magic = 0xdb4775248b80fb57;
  return table + footer + std::string(reinterpret_cast<const char*>(&magic), sizeof magic);
}

// 3.9 GB of keys in 380 kB.
TEST_F(DamagedTensorFlow, SharedKeysTakeNoMoreMemoryThanTheFile) {
  const auto peak = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss * std::int64_t{1024};
  };
  const std::int64_t before = peak();
  const cp::Error many = error_of([&] { import_with(table_of_keys(60'000, 65'536), data); });
  EXPECT_EQ(many.code(), cp::ErrorCode::data_loss) << many.what();
  EXPECT_NE(many.message().find("no header"), std::string::npos) << many.what();
  EXPECT_LT(peak() - before, 16 << 20);
  const cp::Error large = error_of([&] { import_with(table_of_keys(70'000, 1), data); });
  EXPECT_NE(large.message().find("64 KiB"), std::string::npos) << large.what();
}

TEST(TensorFlowImport, ChecksumIsTheOneOfTheStandard) {
  const std::string text = "123456789";  // CRC-32C: e3069283
  const std::uint32_t crc = 0xe3069283u;
  EXPECT_EQ(internal::masked_crc32c(std::as_bytes(std::span(text.data(), text.size()))),
            ((crc >> 15) | (crc << 17)) + 0xa282ead8u);
}

}  // namespace
}  // namespace checkpoint_tests
