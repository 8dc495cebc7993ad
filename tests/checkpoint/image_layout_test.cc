// A layout that is kept between saves gives the bytes that a new one gives, and is given up
// whenever anything but values has changed.
#include "counterpoint/checkpoint/internal/image_layout.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "counterpoint/checkpoint/internal/file_format.h"
#include "counterpoint/runtime/error.h"
#include "images.h"

namespace {

namespace cp = counterpoint;
namespace internal = counterpoint::checkpoint_internal;

cp::SavedObject generator(std::int64_t counter) {
  cp::SavedObject saved{.type = "generator",
                        .attributes = {{"algorithm", "philox"}, {"replicas", 4}},
                        .values = {},
                        .members = {}};
  saved.values.emplace("state",
                       cp::Tensor::from<std::int64_t>(std::vector{counter, -counter, 7l}, {3}));
  saved.values.emplace("nothing", cp::Tensor(cp::DType::f32, {0, 2}));
  return saved;
}

cp::SavedObject root_of(std::int64_t counter) {
  cp::SavedObject large{.type = "variable", .attributes = {}, .values = {}, .members = {}};
  cp::Tensor values(cp::DType::f32, {3000});
  for (float& value : values.values<float>()) value = static_cast<float>(counter++);
  large.values.emplace("value", values);
  cp::SavedObject root{
      .type = "checkpoint", .attributes = {{"format_version", 1}}, .values = {}, .members = {}};
  root.members.emplace("noise", generator(counter));
  root.members.emplace("dropout", generator(counter + 1));
  root.members.emplace("weights", large);
  return root;
}

std::vector<std::byte> bytes_of(const internal::FileImage& image) {
  std::vector<std::byte> bytes(image.size() - internal::header_bytes);
  image.read(internal::header_bytes, bytes);
  return bytes;
}

void expect_as_new(internal::ImageLayout& layout, const cp::SavedObject& root) {
  EXPECT_EQ(bytes_of(layout.image_of(root)), bytes_of(internal::build_image(root)));
}

TEST(ImageLayout, GivesTheBytesOfANewOne) {
  internal::ImageLayout layout;
  for (std::int64_t step = 0; step < 5; ++step) expect_as_new(layout, root_of(step));
}

TEST(ImageLayout, IsGivenUpWhenAnythingButValuesChanges) {
  const std::vector<std::function<void(cp::SavedObject&)>> changes = {
      [](cp::SavedObject& root) { root.type = "other"; },
      [](cp::SavedObject& root) { root.attributes["format_version"] = 2; },
      [](cp::SavedObject& root) { root.attributes["format_version"] = "1"; },
      [](cp::SavedObject& root) { root.attributes["more"] = 1; },
      [](cp::SavedObject& root) { root.members.at("noise").attributes["replicas"] = 5; },
      [](cp::SavedObject& root) { root.members.at("noise").attributes["algorithm"] = "philoy"; },
      [](cp::SavedObject& root) {
        root.members.at("noise").values.at("state") =
            cp::Tensor::from<std::uint64_t>(std::vector{1ul, 2ul, 3ul}, {3});
      },
      [](cp::SavedObject& root) {
        root.members.at("noise").values.at("state") =
            cp::Tensor::from<std::int64_t>(std::vector{1l, 2l, 3l}, {3, 1});
      },
      [](cp::SavedObject& root) {
        root.members.at("noise").values.at("nothing") = cp::Tensor(cp::DType::f32, {2, 0});
      },
      [](cp::SavedObject& root) {
        auto node = root.members.extract("noise");
        node.key() = "noisy";
        root.members.insert(std::move(node));
      },
      [](cp::SavedObject& root) {
        auto node = root.members.at("noise").values.extract("state");
        node.key() = "statf";
        root.members.at("noise").values.insert(std::move(node));
      },
      [](cp::SavedObject& root) { root.members.erase("dropout"); },
      [](cp::SavedObject& root) {
        root.members.at("noise").members.emplace("inner", generator(1));
      },
  };
  for (const auto& change : changes) {
    internal::ImageLayout layout;
    expect_as_new(layout, root_of(1));
    cp::SavedObject changed = root_of(2);
    change(changed);
    EXPECT_NE(bytes_of(internal::build_image(changed)),
              bytes_of(internal::build_image(root_of(2))));
    expect_as_new(layout, changed);
    expect_as_new(layout, root_of(3));
  }
}

// The tensors of the save before may be gone: nothing of them is read.
TEST(ImageLayout, ReadsNoTensorOfTheSaveBefore) {
  internal::ImageLayout layout;
  { layout.image_of(root_of(1)); }
  expect_as_new(layout, root_of(2));
}

TEST(ImageLayout, IsGoodAfterAFailure) {
  internal::ImageLayout layout;
  expect_as_new(layout, root_of(1));
  cp::SavedObject bad = root_of(2);
  bad.members.emplace("a/b", generator(1));
  EXPECT_THROW(layout.image_of(bad), cp::Error);
  expect_as_new(layout, root_of(3));
}

}  // namespace
