// What a strategy promises, as functions that every rank calls with its world: run with ranks as
// threads and with ranks as processes alike. They check with EXPECT_*, which records failures from
// any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "counterpoint/runtime/communicator.h"

namespace counterpoint {

struct Scenario {
  const char* name;
  void (*run)(const std::shared_ptr<Communicator>& world, int replicas_per_rank);
};

std::vector<Scenario> stream_scenarios();        // what generators draw
std::vector<Scenario> collective_scenarios();    // variables, reductions, results
std::vector<Scenario> difference_scenarios();    // what is named when replicas or ranks differ
std::vector<Scenario> identity_scenarios();      // what makes a call another one
std::vector<Scenario> first_call_scenarios();    // which call is named
std::vector<Scenario> message_scenarios();       // how the two sides of it read
std::vector<Scenario> policy_scenarios();        // what a difference does
std::vector<Scenario> save_scenarios();          // and does to saves
std::vector<Scenario> turn_scenarios();          // turns on what was made outside
std::vector<Scenario> beside_turns_scenarios();  // in which not all ranks take part

inline std::vector<Scenario> all_scenarios() {
  std::vector<Scenario> all;
  for (const auto& some :
       {stream_scenarios(), collective_scenarios(), difference_scenarios(), identity_scenarios(),
        first_call_scenarios(), message_scenarios(), policy_scenarios(), save_scenarios(),
        turn_scenarios(), beside_turns_scenarios()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

}  // namespace counterpoint
