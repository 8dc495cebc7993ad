// What a file holds and a program does not, and names that are taken.
#include <gmock/gmock.h>

#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/checkpoint/checkpoint_file.h"
#include "counterpoint/checkpoint/checkpoint_manager.h"

namespace checkpoint_tests {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Layer {
  std::int64_t weight = 1;
  std::int64_t slope = 2;
  bool has_slope = true;

  cp::NamedObjects members() {
    cp::NamedObjects all = {{"weight", weight}};
    if (has_slope) all.emplace_back("slope", slope);
    return all;
  }
};

struct Model {
  Layer first;
  Layer second;
  bool has_second = true;

  cp::NamedObjects members() {
    cp::NamedObjects all = {{"first", first}};
    if (has_second) all.emplace_back("second", second);
    return all;
  }
};

TEST(LeftOut, MembersAreReportedByTheirPath) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  on_thread_ranks(2, [&](const std::shared_ptr<cp::Communicator>& world) {
    Model saved;
    std::int64_t step = 3;
    cp::Checkpoint(world, {{"model", saved}, {"step", step}}).save(path);
    EXPECT_THAT(cp::Checkpoint(world, {{"model", saved}, {"step", step}}).restore(path).unused,
                IsEmpty());

    Model smaller;
    smaller.first.has_slope = false;
    smaller.has_second = false;
    cp::Checkpoint partial(world, {{"model", smaller}});
    const cp::RestoreReport report = partial.restore(path);
    EXPECT_THAT(report.unused, ElementsAre("step", "model/first/slope", "model/second"));
    EXPECT_EQ(report.objects.front().result, cp::ObjectResult::exact);
    EXPECT_NE(report.to_string().find("model/first/slope"), std::string::npos);
  });
}

// What it reads of a file an object of its own type knows alone.
TEST(LeftOut, MembersOfOtherObjectsAreTheirs) {
  const TemporaryFolder folder;
  cp::SavedObject inner{.type = "inner", .attributes = {}, .values = {}, .members = {}};
  cp::SavedObject outer{
      .type = "outer", .attributes = {}, .values = {}, .members = {{"inner", inner}}};
  auto saved = std::make_shared<FakeObject>(outer);
  cp::Checkpoint(one_rank(), {{"object", saved}}).save(folder / "a.h5");
  saved->saved.members.clear();
  EXPECT_THAT(cp::Checkpoint(one_rank(), {{"object", saved}}).restore(folder / "a.h5").unused,
              IsEmpty());
  EXPECT_EQ(saved->saved.members.size(), 1u);
}

TEST(TakenName, OfTheReuseLedgerIsRefused) {
  const TemporaryFolder folder;
  std::int64_t value = 1;
  for (const auto& make : std::vector<std::function<void()>>{
           [&] {
             cp::Checkpoint(one_rank(), {{"reuse_ledger", value}});
           },
           [&] {
             cp::CheckpointManager(one_rank(), folder.path(), {{"reuse_ledger", value}});
           }}) {
    const cp::Error error = error_of(make);
    EXPECT_EQ(error.code(), cp::ErrorCode::invalid_argument) << error.what();
    EXPECT_NE(error.message().find("another name"), std::string::npos) << error.what();
  }
}

// The system would take the path for another one.
TEST(TakenName, PathsWithAZeroByteAreRefused) {
  const TemporaryFolder folder;
  std::int64_t value = 1;
  const std::string other = folder / "a";
  const std::string path = other + std::string("\0.h5", 4);
  cp::Checkpoint checkpoint(one_rank(), {{"value", value}});
  checkpoint.save(other);
  for (const auto& use : std::vector<std::function<void()>>{
           [&] { checkpoint.save(path); },
           [&] { checkpoint.restore(path); },
           [&] { cp::CheckpointFile file(path); },
           [&] {
             cp::CheckpointManager(one_rank(), path, {{"value", value}});
           },
       }) {
    const cp::Error error = error_of(use);
    EXPECT_EQ(error.code(), cp::ErrorCode::invalid_argument) << error.what();
    EXPECT_NE(error.message().find("zero byte"), std::string::npos) << error.what();
  }
}

TEST(LeftOut, WhyAnObjectRefusesMaySayAnything) {
  const TemporaryFolder folder;
  auto generator = std::make_shared<FakeGenerator>();
  cp::Checkpoint checkpoint(one_rank(), {{"noise", generator}});
  checkpoint.save(folder / "a.h5");
  generator->on_prepare = [] {
    throw cp::Error(cp::ErrorCode::invalid_argument, std::string("no\0thing", 8));
  };
  const cp::RestoreReport report = checkpoint.restore(folder / "a.h5", {.allow_partial = true});
  EXPECT_EQ(report.objects.front().result, cp::ObjectResult::refused);
}

TEST(CheckpointFile, IsReadAsOftenAsOneLikes) {
  const TemporaryFolder folder;
  cp::Tensor weights(cp::DType::f32, {100'000});
  weights.values<float>()[99'999] = 7;
  cp::Checkpoint(one_rank(), {{"weights", weights}}).save(folder / "a.h5");
  const cp::CheckpointFile file(folder / "a.h5");
  for (int time = 0; time < 3; ++time) {
    cp::SavedObject read = file.read("weights");
    cp::Tensor& value = read.values.at("value");
    EXPECT_EQ(value.values<float>()[99'999], 7) << time;
    value.values<float>()[99'999] = 8;  // a copy of the caller's own
  }
  const cp::Tensor& viewed = file.view("weights").values.at("value");
  EXPECT_EQ(viewed.values<float>()[99'999], 7);
  EXPECT_EQ(viewed.bytes().data(), file.view("weights").values.at("value").bytes().data());
  EXPECT_EQ(error_of([&] { (void)file.view("absent"); }).code(), cp::ErrorCode::not_found);
}

}  // namespace
}  // namespace checkpoint_tests
