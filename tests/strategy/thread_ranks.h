// Ranks as threads of this process.
//
//   on_thread_ranks(3, [](const std::shared_ptr<Communicator>& world) { MirroredStrategy strategy(world); ... });
#pragma once

#include <gtest/gtest.h>

#include <exception>
#include <memory>
#include <thread>
#include <vector>

#include "counterpoint/runtime/thread_communicator.h"

namespace counterpoint {

// Calls `function` with the world of each of `ranks` ranks at once; what one throws is a failure.
template <class Function>
void on_thread_ranks(int ranks, Function function) {
  const auto worlds = ThreadCommunicator::create(ranks);
  std::vector<std::jthread> threads;
  for (const auto& world : worlds) {
    threads.emplace_back([&function, &world] {
      try {
        function(world);
      } catch (const std::exception& error) {
        ADD_FAILURE() << "rank " << world->rank() << " threw " << error.what();
      }
    });
  }
}

}  // namespace counterpoint
