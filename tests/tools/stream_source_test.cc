// Whose numbers the command draws out of a checkpoint.
#include "../../tools/stream_source.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "../../tools/exit_codes.h"
#include "../../tools/saved_generator.h"
#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "runtime/own_folder.h"

namespace {

namespace cp = counterpoint;
namespace tools = counterpoint::tools;

float next_of(const tools::Streams& streams, std::size_t source) {
  tools::DrawRequest request{.distribution = &tools::distribution_of("uniform")};
  request.parameters = tools::parameters_of(*request.distribution, request.dtype, {});
  request.definition = streams.definition;
  request.shape = {1};
  float value = -1;
  tools::SlicedDraw(request, streams.sources.at(source))
      .fill(0, std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

tools::Streams streams_of(const std::string& path, const std::string& replicas) {
  return tools::streams_of(
      {.checkpoint = path, .replicas = replicas, .limits = {.memory_bytes = 1u << 30}}, false);
}

// Replicas that drew differently, and what each draws next: the command draws the same.
TEST(StreamSource, OfReplicasThatDifferIsTheirOwnState) {
  const cp::OwnFolder folder;
  const std::string path = folder.file("noise.h5");
  cp::MirroredStrategy strategy(
      {.replicas_per_rank = 3, .on_divergence = cp::OnDivergence::save_all});
  const auto scope = strategy.scope();
  auto noise = cp::Generator::from_seed(1);
  strategy.run([&](cp::ReplicaContext& replica) {
    for (int i = 0; i < replica.replica_id(); ++i) (void)noise.uniform<float>({3});
  });
  cp::Checkpoint(cp::Communicator::world(), {{"noise", noise}}).save(path);
  const std::vector<float> want = strategy.gather(
      strategy.run([&](cp::ReplicaContext&) { return noise.uniform<float>({}).item<float>(); }));
  ASSERT_EQ(want.size(), 3u);

  const tools::Streams all = streams_of(path, "0:3");
  ASSERT_EQ(all.sources.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(next_of(all, i), want[i]) << i;
  EXPECT_EQ(all.note, "");
  const tools::Streams last = streams_of(path, "2");
  ASSERT_EQ(last.sources.size(), 1u);
  EXPECT_EQ(next_of(last, 0), want[2]);

  const tools::Streams unnamed = streams_of(path, "");
  EXPECT_EQ(next_of(unnamed, 0), cp::Generator::from_seed(1).uniform<float>({1}).item<float>(0));
  EXPECT_NE(unnamed.note.find("'noise' holds a state for each of 3 replicas"), std::string::npos);
  EXPECT_NE(unnamed.note.find("from the state of replica 0"), std::string::npos) << unnamed.note;
  try {
    (void)streams_of(path, "1:4");
    ADD_FAILURE() << "there is no replica 3";
  } catch (const tools::ReadFailed& read) {
    EXPECT_EQ(read.status, tools::usage);
  }
}

TEST(StreamSource, OfReplicasThatAgreeIsAnyReplicasView) {
  const cp::OwnFolder folder;
  const std::string path = folder.file("noise.h5");
  auto noise = cp::Generator::from_seed(1);
  (void)noise.uniform<float>({5});
  cp::Checkpoint(cp::Communicator::world(), {{"noise", noise}}).save(path);
  const tools::Streams streams = streams_of(path, "7");
  EXPECT_EQ(next_of(streams, 0), noise.for_replica(7).uniform<float>({1}).item<float>(0));
  EXPECT_EQ(streams.note, "");
}

TEST(SavedGenerator, IsWhatTheChildSays) {
  const tools::SavedGenerator said{.algorithm = "threefry",
                                   .num_replicas = 5,
                                   .words = {-1, 2, 3, std::numeric_limits<std::int64_t>::min()},
                                   .object = "model;/noise,\xff"};
  const tools::SavedGenerator understood =
      tools::from_answer(tools::to_answer(said), {.checkpoint = "a.h5", .replicas = "3:5"});
  EXPECT_EQ(understood.algorithm, said.algorithm);
  EXPECT_EQ(understood.num_replicas, said.num_replicas);
  EXPECT_EQ(understood.words, said.words);
  EXPECT_EQ(understood.object, said.object);
}

// Of a child that was taken over, or whose words were cut: an error, and never without a word.
TEST(SavedGenerator, IsNotMadeOfAnythingElse) {
  const tools::StreamOptions options{.checkpoint = "a\x1b.h5", .replicas = "3:5"};
  ASSERT_EQ(tools::from_answer("philox;5;1,2,3,4,5,6;n", options).words.size(), 6u);
  ASSERT_EQ(tools::from_answer("philox;0;1,2,3;n", options).words.size(), 3u);
  for (const char* answer :
       {"", "philox", "philox;5;1,2,3,4,5,6", "philox;5;1,2,3,4,5;n", "philox;5;1,2,3;n",
        "philox;5;;n", "philox;0;1,2,3,4,5,6;n", "philox;;1,2,3,4,5,6;n", "philox;x;1,2,3,4,5,6;n",
        "philox;-1;1,2,3,4,5,6;n", "philox;5;1,2,3,4,5,x;n", "mt19937;5;1,2,3,4,5,6;n"}) {
    testing::internal::CaptureStderr();
    int status = tools::ok;
    try {
      (void)tools::from_answer(answer, options);
    } catch (const tools::ReadFailed& read) {
      status = read.status;
    }
    EXPECT_EQ(status, tools::bad_file) << answer;
    const std::string complaint = testing::internal::GetCapturedStderr();
    EXPECT_EQ(complaint.find("counterpoint: a\\x1b.h5: "), 0u) << answer << ": " << complaint;
  }
}

}  // namespace
