// The seeds that the fuzzers begin with.
//
//   make_seeds GOLDEN_DIR CORPUS_DIR
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "checkpoint/images.h"

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
  const auto file = checkpoint_tests::sealed_file({.type = "checkpoint",
                                                   .attributes = {{"stream_version", 1}},
                                                   .values = {},
                                                   .members = {{"inner", inner}}});
  return {reinterpret_cast<const char*>(file.span().data()), file.size()};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::filesystem::path golden = argv[1];
  const std::filesystem::path corpus = argv[2];
  put(corpus / "fuzz_image_reader" / "small", "\1" + small_file());
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
