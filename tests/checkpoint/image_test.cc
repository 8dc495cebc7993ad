// What the bytes of a checkpoint can hold, and that the same state gives the same bytes.
#include <fmt/format.h>
#include <malloc.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "checkpoint/images.h"
#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/checkpoint/internal/leaf_hasher.h"
#include "counterpoint/checkpoint/internal/parallel.h"
#include "counterpoint/checkpoint/internal/sha256_pair.h"

namespace checkpoint_tests {
namespace {

cp::SavedObject root_of(std::map<std::string, cp::SavedObject> members) {
  return {.type = "checkpoint",
          .attributes = {{"format_version", internal::format_version},
                         {"stream_version", internal::stream_version}},
          .values = {},
          .members = std::move(members)};
}

cp::SavedObject object_with(std::map<std::string, cp::Tensor> values) {
  return {.type = "object", .attributes = {}, .values = std::move(values), .members = {}};
}

cp::SavedObject written_and_read(const cp::SavedObject& object) {
  const internal::FileBytes file = sealed_file(root_of({{"object", object}}));
  const auto read = internal::ImageReader("file", file.span()).read("object").value();
  return cp::SavedObject(read);  // a copy: tensors that were read refer to the file
}

// Bytes 1, 2, 3, ... : every element differs, in every byte.
cp::Tensor counted(cp::DType dtype, cp::Shape shape) {
  cp::Tensor tensor(dtype, std::move(shape));
  std::uint8_t next = 0;
  for (std::byte& byte : tensor.bytes()) byte = std::byte{++next};
  return tensor;
}

void expect_equal(const cp::Tensor& a, const cp::Tensor& b) {
  EXPECT_EQ(a.dtype(), b.dtype());
  EXPECT_EQ(a.shape(), b.shape());
  ASSERT_EQ(a.bytes().size(), b.bytes().size());
  EXPECT_TRUE(std::equal(a.bytes().begin(), a.bytes().end(), b.bytes().begin()));
}

TEST(Image, HoldsEveryElementTypeAndShape) {
  const cp::Shape shapes[] = {{}, {1}, {3}, {2, 3}, {0}, {2, 0, 3}, {1, 2, 1, 2}};
  for (int type = 0; type <= static_cast<int>(cp::DType::u64); ++type) {
    for (const cp::Shape& shape : shapes) {
      const auto dtype = static_cast<cp::DType>(type);
      const auto saved = object_with({{"value", counted(dtype, shape)}});
      const auto read = written_and_read(saved);
      expect_equal(read.values.at("value"), saved.values.at("value"));
    }
  }
  const cp::Shape deep(internal::max_rank, 1);
  expect_equal(
      written_and_read(object_with({{"value", counted(cp::DType::f32, deep)}})).values.at("value"),
      counted(cp::DType::f32, deep));
}

// Of a large tensor neither the image nor what is read has a copy.
TEST(Image, RefersToLargeValuesAndBackToTheFile) {
  const auto saved = object_with({{"value", counted(cp::DType::f64, {3000})}});
  const cp::SavedObject root = root_of({{"object", saved}});
  const internal::FileImage image = internal::build_image(root);
  internal::FileBytes file = internal::FileBytes::allocate(image.size());
  const auto& value = root.members.at("object").values.at("value");
  const_cast<cp::Tensor&>(value).values<double>()[2999] = 1.25;  // after the image was built
  image.read(0, file.span());
  internal::seal(file.span());
  const auto read = internal::ImageReader("file", file.span()).read("object").value();
  expect_equal(read.values.at("value"), value);
  const std::byte* const place = read.values.at("value").bytes().data();
  EXPECT_TRUE(place > file.span().data() && place < file.span().data() + file.size());
  EXPECT_EQ((place - file.span().data()) % 64, 0);

  std::vector<std::byte> part(5000);
  for (std::size_t begin = 0; begin < file.size(); begin += 4999) {
    const auto some = std::span(part).first(std::min(part.size(), file.size() - begin));
    image.read(begin, some);
    const std::size_t header = begin == 0 ? internal::header_bytes : 0;
    EXPECT_TRUE(std::equal(some.begin() + header, some.end(), file.span().begin() + begin + header))
        << "any part of the image is that part of the file";
  }
}

TEST(Image, HoldsNestedObjectsAndAttributes) {
  cp::SavedObject inner = object_with({{"a", counted(cp::DType::f64, {2})}});
  inner.type = "generator";
  inner.attributes = {{"algorithm", "philox"}, {"empty", ""}, {"replicas", -5}};
  cp::SavedObject outer = object_with({{"value", counted(cp::DType::u32, {2})}});
  outer.members = {{"inner", inner}, {"other", object_with({})}};
  const auto read = written_and_read(outer);
  EXPECT_EQ(read.type, "object");
  ASSERT_EQ(read.members.size(), 2u);
  EXPECT_EQ(read.members.at("inner").type, "generator");
  EXPECT_EQ(read.members.at("inner").attributes, inner.attributes);
  expect_equal(read.members.at("inner").values.at("a"), inner.values.at("a"));
}

TEST(Image, HoldsThousandsOfObjectsAndLongTexts) {
  std::map<std::string, cp::SavedObject> members;
  for (int i = 0; i < 4000; ++i) {
    members.emplace(fmt::format("a variable with quite a long name, number {}", i),
                    object_with({{"value", cp::Tensor::scalar<std::int64_t>(i)}}));
  }
  members.begin()->second.attributes["text"] = std::string(300'000, 'x');
  const internal::FileBytes file = sealed_file(root_of(members));
  const internal::ImageReader reader("file", file.span());
  ASSERT_EQ(reader.names().size(), members.size());
  for (const auto& [name, object] : members) {
    const auto read = reader.read(name).value();
    EXPECT_EQ(read.attributes, object.attributes);
    EXPECT_EQ(read.values.at("value").item<std::int64_t>(),
              object.values.at("value").item<std::int64_t>());
  }
  EXPECT_EQ(reader.read("absent"), std::nullopt);
}

TEST(Image, HasTheSameBytesWhateverTheTimeAndMemory) {
  cp::SavedObject many = object_with({});
  for (int i = 0; i < 40; ++i) {
    many.attributes.emplace(fmt::format("attribute {}", i), i);
    many.values.emplace(fmt::format("value {}", i), counted(cp::DType::f16, {i}));
  }
  std::string first;
  for (const int pattern : {0, 0x5a, 0xff}) {
    mallopt(M_PERTURB, pattern);  // does nothing under a sanitizer, which has its own malloc
    // HDF5 notes times in seconds, where it does.
    if (pattern == 0xff) std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    const internal::FileBytes file =
        sealed_file(root_of({{"many", many}, {"one", object_with({})}}));
    const std::string bytes(reinterpret_cast<const char*>(file.span().data()), file.size());
    if (first.empty()) first = bytes;
    EXPECT_EQ(bytes, first) << pattern;
  }
  mallopt(M_PERTURB, 0);
}

TEST(Image, OfStateAloneIsSmall) {
  std::map<std::string, cp::SavedObject> members;
  for (int i = 0; i < 8; ++i) members.emplace(fmt::format("noise{}", i), FakeGenerator().save());
  members.emplace("step", object_with({{"value", cp::Tensor::scalar<std::int64_t>(1)}}));
  EXPECT_LT(sealed_file(root_of(members)).size(), 8192u);
}

TEST(Image, SizeDoesNotDependOnTheReplicas) {
  const auto size = [](std::int64_t replicas) {
    return sealed_file(root_of({{"noise", FakeGenerator({1, 2, 3}, replicas).save()}})).size();
  };
  EXPECT_EQ(size(1), size(4096));
}

TEST(Image, RefusesWhatTheFormatHasNoRoomFor) {
  cp::SavedObject reserved = object_with({});
  reserved.attributes["type"] = "x";
  cp::SavedObject zero = object_with({});
  zero.attributes["text"] = std::string("a\0b", 3);
  cp::SavedObject twice = object_with({{"a", counted(cp::DType::f32, {})}});
  twice.members.emplace("a", object_with({}));
  cp::SavedObject deep = object_with({});
  for (int i = 0; i < internal::max_depth + 1; ++i) {
    cp::SavedObject outer = object_with({});
    outer.members.emplace("in", std::move(deep));
    deep = std::move(outer);
  }
  for (const cp::SavedObject& object :
       {reserved, zero, twice, deep, object_with({{"a/b", counted(cp::DType::f32, {})}}),
        object_with({{"a", counted(cp::DType::f32, cp::Shape(internal::max_rank + 1, 1))}})}) {
    const cp::Error error = error_of([&] { sealed_file(root_of({{"object", object}})); });
    EXPECT_EQ(error.code(), cp::ErrorCode::invalid_argument);
    EXPECT_NE(error.message().find("/object"), std::string::npos) << error.what();
  }
}

// Each single bit of a small file, flipped: never accepted.
TEST(Image, EveryFlippedBitIsFound) {
  internal::FileBytes file = sealed_file(root_of({{"noise", FakeGenerator().save()}}));
  for (std::size_t i = 0; i < file.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      file.span()[i] ^= std::byte(1 << bit);
      const cp::Error error = error_of([&] { internal::check_sealed("file", file.span()); });
      ASSERT_EQ(error.code(), cp::ErrorCode::data_loss) << "bit " << bit << " of byte " << i;
      file.span()[i] ^= std::byte(1 << bit);
    }
  }
  internal::check_sealed("file", file.span());
}

TEST(Image, DigestsCoverEveryLeaf) {
  const std::int64_t elements = 5 * (1 << 20) / 4 + 3;
  internal::FileBytes file = sealed_file(
      root_of({{"object", object_with({{"value", counted(cp::DType::f32, {elements})}})}}));
  internal::check_sealed("file", file.span());
  for (std::size_t i = 700; i < file.size(); i += (1 << 19)) {
    file.span()[i] ^= std::byte{1};
    EXPECT_EQ(error_of([&] { internal::check_sealed("file", file.span()); }).code(),
              cp::ErrorCode::data_loss);
    file.span()[i] ^= std::byte{1};
  }
}

// docs/format.md says that it is zero there, so that a later format can use it.
TEST(Image, HeaderBlocksEndWithZeros) {
  internal::FileBytes file = sealed_file(root_of({}));
  for (const std::size_t offset :
       {offsetof(internal::FileHeader, zeros), internal::header_bytes - 1}) {
    file.span()[offset] = std::byte{1};
    const cp::Error error = error_of([&] { internal::check_sealed("file", file.span()); });
    EXPECT_EQ(error.code(), cp::ErrorCode::data_loss) << error.what();
    EXPECT_NE(error.message().find("end with zeros"), std::string::npos) << error.what();
    file.span()[offset] = std::byte{0};
  }
  internal::check_sealed("file", file.span());
}

TEST(Image, HoldsTextsOfUpToAMebibyte) {
  cp::SavedObject object{.type = "object", .attributes = {}, .values = {}, .members = {}};
  object.attributes["text"] = std::string(internal::max_attribute_bytes, 'x');
  const internal::FileBytes file = sealed_file(root_of({{"object", object}}));
  const auto read = internal::ImageReader("file", file.span()).read("object");
  EXPECT_EQ(read.value().attributes, object.attributes);

  object.attributes["text"] = std::string(internal::max_attribute_bytes + 1, 'x');
  const cp::Error error = error_of([&] { sealed_file(root_of({{"object", object}})); });
  EXPECT_EQ(error.code(), cp::ErrorCode::invalid_argument);
  EXPECT_NE(error.message().find("more than 1048576"), std::string::npos) << error.what();
}

// The two ways of hashing agree on every combination of whole and short leaves.
TEST(Image, LeavesAreHashedTogetherAsAlone) {
  std::vector<std::byte> bytes(3 * internal::leaf_bytes + 777);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 40503 >> 9);
  const bool has_pairs = internal::has_sha256_pair();
  RecordProperty("has_sha256_pair", has_pairs ? 1 : 0);
  for (const std::size_t size :
       {std::size_t{1}, internal::leaf_bytes, internal::leaf_bytes + 1, 2 * internal::leaf_bytes,
        3 * internal::leaf_bytes - 1, bytes.size()}) {
    const std::span<const std::byte> body = std::span(bytes).first(size);
    const std::vector<internal::Digest> together = internal::leaf_digests(body);
    ASSERT_EQ(together.size(), internal::leaf_count(size));
    for (std::size_t leaf = 0; leaf < together.size(); ++leaf) {
      const internal::LeafRange range = internal::leaf_range(size, leaf, leaf + 1);
      EXPECT_EQ(together[leaf], internal::sha256(body.subspan(range.offset, range.size)))
          << "leaf " << leaf << " of " << size << " bytes";
    }
  }
}

// A slice at a time, with another hasher's slices between.
TEST(Image, LeavesAreHashedInSlicesAsAtOnce) {
  std::vector<std::byte> bytes(3 * internal::leaf_bytes + 777);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 40503 >> 9);
  const auto body = std::span<const std::byte>(bytes);
  const auto short_body = body.first(internal::leaf_bytes + 1);
  std::vector<internal::Digest> digests(4), short_digests(2);
  internal::LeafHasher hasher(body, digests), short_hasher(short_body, short_digests);
  std::size_t steps = 0;
  for (; !hasher.done(); ++steps) {
    hasher.step();
    if (!short_hasher.done()) short_hasher.step();
  }
  EXPECT_GE(steps, bytes.size() / internal::LeafHasher::slice_bytes);
  EXPECT_TRUE(short_hasher.done());
  for (std::size_t leaf = 0; leaf < digests.size(); ++leaf) {
    const internal::LeafRange range = internal::leaf_range(body.size(), leaf, leaf + 1);
    EXPECT_EQ(digests[leaf], internal::sha256(body.subspan(range.offset, range.size))) << leaf;
  }
  EXPECT_EQ(short_digests, internal::leaf_digests(short_body));
}

// By several threads, of which each fills its own pieces meanwhile.
TEST(Image, MemoryThatIsInUseStaysAsItIsWhileTheRestIsPopulated) {
  constexpr std::size_t piece = std::size_t{1} << 20;
  constexpr std::size_t pieces = 24;
  internal::FileBytes bytes = internal::FileBytes::allocate(pieces * piece + 777);
  internal::for_each_in_parallel(pieces, 4, [&](std::size_t i, std::size_t) {
    bytes.populate_before((i + 1) * piece);
    std::ranges::fill(bytes.span().subspan(i * piece, piece), static_cast<std::byte>(i + 1));
  });
  bytes.populate_before(bytes.size());
  bytes.populate_before(bytes.size() * 2);
  for (std::size_t i = 0; i < pieces * piece; ++i) {
    ASSERT_EQ(bytes.span()[i], static_cast<std::byte>(i / piece + 1)) << i;
  }
}

TEST(Image, OfAnotherVersionSaysWhatToDo) {
  internal::FileBytes later = sealed_file(root_of({}));
  std::uint32_t version = 2;
  std::memcpy(later.span().data() + 8, &version, sizeof(version));
  EXPECT_EQ(error_of([&] { internal::check_sealed("file", later.span()); }).code(),
            cp::ErrorCode::data_loss)
      << "the version is covered by the digest";

  cp::SavedObject root = root_of({});
  root.attributes["stream_version"] = 2;
  const internal::FileBytes other = sealed_file(root);
  const cp::Error error = error_of([&] { internal::ImageReader("file", other.span()); });
  EXPECT_EQ(error.code(), cp::ErrorCode::failed_precondition);
  EXPECT_NE(error.message().find("stream version 2"), std::string::npos) << error.what();

  cp::SavedObject mixed = root_of({});
  mixed.attributes["format_version"] = 2;
  const internal::FileBytes file = sealed_file(mixed);
  const cp::Error refused = error_of([&] { internal::ImageReader("file", file.span()); });
  EXPECT_EQ(refused.code(), cp::ErrorCode::failed_precondition);
  EXPECT_NE(refused.message().find("write it again"), std::string::npos) << refused.what();
}

}  // namespace
}  // namespace checkpoint_tests
