// The places of replicas that take equal turns, where the counter's words overflow.
#include "counterpoint/strategy/internal/equal_turns.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace counterpoint {
namespace {

TEST(EqualTurns, CarryIntoTheHighWord) {
  const auto store = std::make_shared<PlainStore>(
      kernels::philox_stream(), StreamState{.counter = {5, 7}, .key = 9}, StreamOrigin{});
  constexpr std::uint64_t kBlocks = std::uint64_t{1} << 63;
  std::vector<LocalReplica> replicas(4);
  OutsideStores stores(false);
  for (int id = 0; id < 4; ++id) {
    const Reservation reserved = reserve_equal_turn(replicas[static_cast<std::size_t>(id)], id, 4,
                                                    stores, *store, {}, kBlocks);
    EXPECT_EQ(reserved.key, 9u);
    EXPECT_EQ(reserved.counter.low, 5 + static_cast<std::uint64_t>(id) * kBlocks);
    EXPECT_EQ(reserved.counter.high, 7u + static_cast<std::uint64_t>(id) / 2);
  }
  finish_equal_turns(replicas);
  EXPECT_EQ(store->peek().counter.low, 5u);
  EXPECT_EQ(store->peek().counter.high, 9u);
}

}  // namespace
}  // namespace counterpoint
