// Whose numbers the command draws out of a checkpoint.
#include "../../tools/stream_source.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "../../tools/exit_codes.h"
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
  EXPECT_THROW((void)streams_of(path, "1:4"), tools::UsageError);
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

}  // namespace
