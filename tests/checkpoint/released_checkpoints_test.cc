// Checkpoints of every released format version still restore, and today's writer says the same.
#include "checkpoint/released_checkpoints.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "counterpoint/checkpoint/checkpoint_file.h"

namespace checkpoint_tests {
namespace {

using nlohmann::json;

std::vector<std::string> released_folders() {
  std::vector<std::string> folders;
  for (const auto& entry : std::filesystem::directory_iterator(COUNTERPOINT_GOLDEN_DIR)) {
    if (entry.path().filename().string().starts_with("checkpoints_v")) {
      folders.push_back(entry.path().string());
    }
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

json expected_in(const std::string& folder) {
  return json::parse(read_file(folder + "/expected.json"));
}

std::string sha256_of(const std::string& bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  std::string text;
  for (const unsigned char byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

// Floats as their bits in hex, integers as they are.
json elements_of(const cp::Tensor& tensor) {
  json elements = json::array();
  cp::visit_dtype(tensor.dtype(), [&]<class T>(T) {
    for (const T value : tensor.values<T>()) {
      if constexpr (requires { value.bits; }) {
        elements.push_back(fmt::format("{:04x}", value.bits));
      } else if constexpr (std::is_same_v<T, float>) {
        elements.push_back(fmt::format("{:08x}", std::bit_cast<std::uint32_t>(value)));
      } else if constexpr (std::is_same_v<T, double>) {
        elements.push_back(fmt::format("{:016x}", std::bit_cast<std::uint64_t>(value)));
      } else {
        elements.push_back(value);
      }
    }
  });
  return elements;
}

void expect_value(const cp::Tensor& tensor, const json& expected) {
  EXPECT_EQ(cp::dtype_name(tensor.dtype()), expected["dtype"].get<std::string>());
  EXPECT_EQ(tensor.shape(), expected["shape"].get<cp::Shape>());
  const json elements = elements_of(tensor);
  if (expected.contains("elements")) {
    EXPECT_EQ(elements, expected["elements"]);
    return;
  }
  const json& rows = expected.at("each_row");
  ASSERT_FALSE(rows.empty());
  const std::size_t width = elements.size() / rows.size();
  for (std::size_t i = 0; i < elements.size(); ++i) {
    ASSERT_EQ(elements[i], rows[i / width]) << "element " << i;
  }
}

template <class Map>
std::set<std::string> keys_of(const Map& map) {
  std::set<std::string> keys;
  for (const auto& [key, value] : map) keys.insert(key);
  return keys;
}

std::set<std::string> keys_of(const json& object) {
  std::set<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.insert(key);
  return keys;
}

void expect_object(const std::string& path, const cp::SavedObject& object, const json& expected) {
  SCOPED_TRACE(path);
  EXPECT_EQ(object.type, expected["type"].get<std::string>());
  json attributes = json::object();
  for (const auto& [key, value] : object.attributes) {
    std::visit([&](const auto& held) { attributes[key] = held; }, value);
  }
  EXPECT_EQ(attributes, expected["attributes"]);
  ASSERT_EQ(keys_of(object.values), keys_of(expected["values"]));
  for (const auto& [key, value] : object.values) expect_value(value, expected["values"][key]);
  ASSERT_EQ(keys_of(object.members), keys_of(expected["members"]));
  for (const auto& [key, member] : object.members) {
    expect_object(path + "/" + key, member, expected["members"][key]);
  }
}

void expect_contents(const std::string& folder, const json& expected) {
  ASSERT_FALSE(expected.empty());
  for (const auto& [name, file] : expected.items()) {
    SCOPED_TRACE(name);
    const cp::CheckpointFile checkpoint(folder + "/" + name);
    const std::set<std::string> names(checkpoint.names().begin(), checkpoint.names().end());
    ASSERT_EQ(names, keys_of(file["objects"]));
    for (const std::string& object : names) {
      expect_object(object, checkpoint.read(object), file["objects"][object]);
    }
  }
}

class ReleasedCheckpoints : public testing::TestWithParam<std::string> {
 protected:
  const std::string folder_ = GetParam();
  const json expected_ = expected_in(folder_);
};

TEST_P(ReleasedCheckpoints, AreTheFilesThatWereReleased) {
  ASSERT_GE(expected_.size(), 5u);
  for (const auto& [name, file] : expected_.items()) {
    const std::string bytes = read_file(folder_ + "/" + name);
    EXPECT_EQ(bytes.size(), file["bytes"].get<std::size_t>()) << name;
    EXPECT_EQ(sha256_of(bytes), file["sha256"].get<std::string>()) << name;
  }
}

TEST_P(ReleasedCheckpoints, HoldWhatWasSaved) { expect_contents(folder_, expected_); }

TEST_P(ReleasedCheckpoints, GeneratorsGoOn) {
  int restored = 0;
  for (const auto& [file, content] : expected_.items()) {
    for (const auto& [name, next] : content["next"].items()) {
      SCOPED_TRACE(file + ": " + name);
      const std::string algorithm = content["objects"][name]["attributes"]["algorithm"];
      auto generator = cp::Generator::from_seed(99, {.algorithm = algorithm});
      cp::Checkpoint(one_rank(), {{name, generator}})
          .restore(folder_ + "/" + file, {.allow_partial = true});
      for (int replica = 0; replica < 8; ++replica) {
        auto view = generator.for_replica(replica);
        const cp::Tensor drawn = view.uniform_full_int<std::uint32_t>({5});
        EXPECT_EQ(elements_of(drawn), next["replicas"][static_cast<std::size_t>(replica)]);
      }
      const cp::Tensor drawn = generator.uniform_full_int<std::uint32_t>({5});
      EXPECT_EQ(elements_of(drawn), next["primary"]);
      ++restored;
    }
  }
  EXPECT_GE(restored, 9);
}

TEST_P(ReleasedCheckpoints, MirroredOnesGoOnAtAnyNumberOfReplicas) {
  const json& file = expected_["mirrored.h5"];
  for (const int replicas : {1, 3, 4, 8}) {
    SCOPED_TRACE(replicas);
    cp::MirroredStrategy strategy({.replicas_per_rank = replicas});
    auto turns = cp::Generator::from_seed(0);
    const auto scope = strategy.scope();
    auto noise = cp::Generator::from_seed(0);
    auto dropout = cp::Generator::from_seed(0, {.algorithm = "threefry"});
    auto weights = strategy.variable<float>({2, 3});
    std::int64_t step = 0;
    const auto report = cp::Checkpoint(one_rank(), {{"noise", noise},
                                                    {"dropout", dropout},
                                                    {"turns", turns},
                                                    {"weights", weights},
                                                    {"step", step}})
                            .restore(folder_ + "/mirrored.h5");
    const auto as_saved = replicas == 4 ? cp::ObjectResult::exact : cp::ObjectResult::derived;
    EXPECT_EQ(report.objects.at(0).result, as_saved);
    EXPECT_EQ(report.objects.at(1).result, as_saved);
    EXPECT_EQ(report.objects.at(2).result, cp::ObjectResult::exact);
    EXPECT_EQ(step, 41);
    strategy.run([&](cp::ReplicaContext& replica) {
      const auto id = static_cast<std::size_t>(replica.replica_id());
      const cp::Tensor from_noise = noise.uniform_full_int<std::uint32_t>({5});
      EXPECT_EQ(elements_of(from_noise), file["next"]["noise"]["replicas"][id]);
      const cp::Tensor from_dropout = dropout.uniform_full_int<std::uint32_t>({5});
      EXPECT_EQ(elements_of(from_dropout), file["next"]["dropout"]["replicas"][id]);
      const cp::Tensor turn = turns.uniform_full_int<std::uint32_t>({5});
      if (id == 0) {
        EXPECT_EQ(elements_of(turn), file["next"]["turns"]["primary"]);
      }
      EXPECT_EQ(elements_of(weights.value()),
                file["objects"]["weights"]["values"]["value"]["elements"]);
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Versions, ReleasedCheckpoints, testing::ValuesIn(released_folders()),
                         [](const auto& folder) {
                           return std::filesystem::path(folder.param).filename().string();
                         });

// libhdf5 takes two images of one name for the same file.
TEST_P(ReleasedCheckpoints, AreReadSideBySide) {
  std::map<std::string, cp::CheckpointFile> open;
  for (const auto& [name, file] : expected_.items()) {
    open.emplace(name, cp::CheckpointFile(folder_ + "/" + name));
  }
  for (const auto& [name, file] : expected_.items()) {
    SCOPED_TRACE(name);
    const cp::CheckpointFile& checkpoint = open.at(name);
    for (const std::string& object : checkpoint.names()) {
      expect_object(object, checkpoint.read(object), file["objects"][object]);
    }
  }
}

TEST(TodaysWriter, SavesWhatTheNewestReleaseDid) {
  ASSERT_FALSE(released_folders().empty());
  const TemporaryFolder folder;
  write_released_checkpoints(folder.path());
  expect_contents(folder.path(), expected_in(released_folders().back()));
}

TEST(TodaysWriter, GivesTheSameBytesForTheSameState) {
  const TemporaryFolder first;
  const TemporaryFolder second;
  write_released_checkpoints(first.path());
  ::sleep(1);  // were there a time of creation in the file, it would be another one
  write_released_checkpoints(second.path());
  ASSERT_GE(names_in(first.path()).size(), 5u);
  EXPECT_EQ(names_in(first.path()), names_in(second.path()));
  for (const std::string& name : names_in(first.path())) {
    EXPECT_TRUE(read_file(first / name) == read_file(second / name)) << name;
  }
}

}  // namespace
}  // namespace checkpoint_tests
