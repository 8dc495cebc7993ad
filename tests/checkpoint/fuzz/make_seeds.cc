// The seeds that the fuzzers begin with.
//
//   make_seeds GOLDEN_DIR CORPUS_DIR
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "checkpoint/images.h"
#include "counterpoint/runtime/internal/ledger_tables.h"

namespace cp = counterpoint;

namespace {

void put(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string read(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string file_of(const std::string& name, const cp::SavedObject& object) {
  const auto file = checkpoint_tests::sealed_file({.type = "checkpoint",
                                                   .attributes = {{"stream_version", 1}},
                                                   .values = {},
                                                   .members = {{name, object}}});
  return {reinterpret_cast<const char*>(file.span().data()), file.size()};
}

// Of three streams: ranges beside each other and apart, of two objects, with calls and without.
std::string file_with_ledger() {
  std::vector<cp::LedgerEntry> entries;
  for (std::uint64_t i = 0; i < 12; ++i) {
    entries.push_back({.algorithm = i % 3 == 0 ? "threefry" : "philox",
                       .key = i % 2,
                       .first = 1000 * i,
                       .last = 1000 * i + (i % 4 == 0 ? 999 : 255),
                       .holder = i % 5 == 0 ? "generator 'noise'" : "generator made at a.cc:1",
                       .identity = i % 5,
                       .kind = i % 5 == 1 ? cp::HolderKind::shared : cp::HolderKind::plain,
                       .calls = {}});
    for (std::uint64_t call = 0; call < i % 3; ++call) {
      entries.back().calls.push_back(
          {"normal at a.cc:" + std::to_string(call), 1000 * i + call, 1000 * i + 9});
    }
  }
  return file_of("reuse_ledger", cp::saved_ledger(entries));
}

std::string small_file() {
  cp::SavedObject noise{.type = "generator",
                        .attributes = {{"algorithm", "philox"}, {"replicas", 2}},
                        .values = {},
                        .members = {}};
  noise.values.emplace("state", cp::Tensor::from<std::int64_t>({1, 2, 3}, {3}));
  cp::SavedObject inner{
      .type = "object", .attributes = {{"text", "abc"}}, .values = {}, .members = {}};
  inner.values.emplace("value", cp::Tensor::from<float>({1, 2, 3, 4, 5, 6}, {2, 3}));
  inner.members.emplace("noise", noise);
  return file_of("inner", inner);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::filesystem::path golden = argv[1];
  const std::filesystem::path corpus = argv[2];
  put(corpus / "fuzz_image_reader" / "small", "\1" + small_file());
  put(corpus / "fuzz_image_reader" / "ledger", "\1" + file_with_ledger());
  put(corpus / "fuzz_round_trip" / "empty", std::string(64, '\2'));
  int found = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(golden)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".h5") && entry.file_size() < 64 << 10) {
      put(corpus / "fuzz_image_reader" / name, "\1" + read(entry.path()));
      ++found;
    }
    if (name.ends_with(".index") && entry.file_size() < 8 << 10) {
      const std::string index = read(entry.path());
      put(corpus / "fuzz_tensorflow_import" / name, std::string(1, '\0') + index);
      put(corpus / "fuzz_tensorflow_import" / (name + "-entries"), "\1" + index);
      ++found;
    }
  }
  return found > 1 ? 0 : 1;
}
