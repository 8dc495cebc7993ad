// What train_digits is made of, besides its network: the data set, the learning curve, the digest.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "train_digits/digits.h"
#include "train_digits/learning_curve.h"
#include "train_digits/sha256.h"

namespace {

using namespace train_digits;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

std::string file_contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Digits, EveryFifthImageIsInTheTestSet) {
  const Digits digits = Digits::read(COUNTERPOINT_SOURCE_DIR "/examples/data/digits.h5");
  ASSERT_EQ(digits.train.count(), 1438);
  ASSERT_EQ(digits.test.count(), 359);
  ASSERT_EQ(digits.train.pixels.size(), 1438 * pixel_count);
  // The file begins with the digits 0 to 9, in order.
  EXPECT_THAT(std::vector(digits.train.labels.begin(), digits.train.labels.begin() + 8),
              ElementsAre(0, 1, 2, 3, 5, 6, 7, 8));
  EXPECT_THAT(std::vector(digits.test.labels.begin(), digits.test.labels.begin() + 2),
              ElementsAre(4, 9));
  EXPECT_THAT(digits.train.pixels, Each(testing::AllOf(testing::Ge(0.0F), testing::Le(1.0F))));
  const auto first_row = digits.train.image(0).first(8);
  EXPECT_THAT(std::vector<float>(first_row.begin(), first_row.end()),
              ElementsAre(0, 0, 5 / 16.0F, 13 / 16.0F, 9 / 16.0F, 1 / 16.0F, 0, 0));
}

TEST(Digits, WhatIsNotTheDigitsIsRefused) {
  EXPECT_THROW(Digits::read("/nonexistent/digits.h5"), std::runtime_error);
  EXPECT_THROW(Digits::read(COUNTERPOINT_SOURCE_DIR "/LICENSE"), std::runtime_error);
}

TEST(LearningCurve, KeepsItsRowsThroughSaveAndRestore) {
  LearningCurve curve;
  curve.append({.epoch = 1, .loss = 1.5, .train_accuracy = 50, .test_accuracy = 60, .replicas = 4});
  curve.append({.epoch = 2, .loss = 0.5, .train_accuracy = 80, .test_accuracy = 90, .replicas = 6});

  LearningCurve restored;
  const auto source = counterpoint::saveable_members(curve.members());
  const auto target = counterpoint::saveable_members(restored.members());
  target->prepare(source->save())->commit();

  const std::vector<EpochResult> rows = restored.rows();
  ASSERT_EQ(rows.size(), 2);
  EXPECT_EQ(rows[1].epoch, 2);
  EXPECT_EQ(rows[1].loss, 0.5);
  EXPECT_EQ(rows[1].train_accuracy, 80);
  EXPECT_EQ(rows[1].test_accuracy, 90);
  EXPECT_EQ(rows[1].replicas, 6);
  EXPECT_EQ(rows[0].replicas, 4);
}

TEST(LearningCurve, IsDrawnWithAPointAnEpoch) {
  LearningCurve curve;
  for (int epoch = 1; epoch <= 3; ++epoch) {
    curve.append({.epoch = epoch,
                  .loss = 1.0 / epoch,
                  .train_accuracy = 80.0 + epoch,
                  .test_accuracy = 85.0 + epoch,
                  .replicas = epoch < 3 ? 4 : 6});
  }
  const auto path = std::filesystem::path(testing::TempDir()) / "learning_curve_test.svg";
  write_svg(curve, path);
  const std::string svg = file_contents(path);
  std::filesystem::remove(path);

  EXPECT_THAT(svg, testing::StartsWith("<svg "));
  EXPECT_THAT(svg, testing::EndsWith("</svg>\n"));
  EXPECT_THAT(svg, HasSubstr("6 replicas"));
  EXPECT_THAT(svg, testing::Not(HasSubstr("nan")));
  const std::size_t points = svg.find("points=\"") + 8;
  const std::string line = svg.substr(points, svg.find('"', points) - points);
  EXPECT_EQ(std::count(line.begin(), line.end(), ','), 3);
}

TEST(LearningCurve, IsDrawnWithoutAnEpochToo) {
  const auto path = std::filesystem::path(testing::TempDir()) / "empty_curve_test.svg";
  write_svg(LearningCurve(), path);
  EXPECT_THAT(file_contents(path), testing::EndsWith("</svg>\n"));
  std::filesystem::remove(path);
  EXPECT_THROW(write_svg(LearningCurve(), "/nonexistent/curve.svg"), std::runtime_error);
}

// FIPS 180-4's example.
TEST(Sha256, OfAbc) {
  Sha256 digest;
  const std::string text = "abc";
  digest.add(std::as_bytes(std::span(text)));
  EXPECT_EQ(digest.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
