// The global generator, first used by the replicas of a run: made for all of them at once, with the same
// state on every rank. A program of its own, since a process has one first use. Prints "PASSED".
#include "counterpoint/runtime/global_generator.h"

#include <cstdint>
#include <cstdio>
#include <set>
#include <vector>

#include "counterpoint/runtime/error.h"
#include "counterpoint/strategy/mirrored_strategy.h"

namespace cp = counterpoint;

int main(int argc, char** argv) {
  const auto world = cp::Communicator::world(&argc, &argv);
  cp::MirroredStrategy strategy(world, {.replicas_per_rank = 2});
  const auto drawn = strategy.gather(strategy.run([](cp::ReplicaContext&) {
    return cp::get_global_generator().uniform_full_int<std::uint64_t>({}).item<std::uint64_t>();
  }));
  // The state that all share gives every replica's number.
  const auto scope = strategy.scope();
  cp::Generator global = cp::get_global_generator();
  const std::vector<std::int64_t> state = {global.state().item<std::int64_t>(0) - 256,
                                           global.state().item<std::int64_t>(1), global.key()};
  std::vector<std::int64_t> first = state;
  strategy.broadcast(first);
  bool right = first == state && std::set(drawn.begin(), drawn.end()).size() == drawn.size();
  for (std::size_t replica = 0; replica < drawn.size(); ++replica) {
    global.reset(state);
    cp::Generator alone = global.for_replica(static_cast<std::int64_t>(replica));
    const cp::ContextGuard outside({.kind = cp::ContextKind::outside});
    right =
        right && alone.uniform_full_int<std::uint64_t>({}).item<std::uint64_t>() == drawn[replica];
  }
  if (!strategy.any(!right) && world->rank() == 0) std::puts("PASSED");
  return right ? 0 : 1;
}
