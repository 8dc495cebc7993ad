// What every communicator promises, as functions that each rank calls with its handle: run on
// threads and under mpirun alike.
//
//   for (const Scenario& scenario : communicator_scenarios()) scenario.run(*handle);
#pragma once

#include <ostream>
#include <span>
#include <vector>

#include "counterpoint/runtime/communicator.h"

namespace counterpoint {

struct Scenario {
  const char* name;
  void (*run)(Communicator& ranks);

  friend void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }
};

std::span<const Scenario> value_scenarios();  // what collectives compute
std::span<const Scenario> work_scenarios();   // how operations live beside each other

inline std::vector<Scenario> communicator_scenarios() {
  std::vector<Scenario> scenarios(value_scenarios().begin(), value_scenarios().end());
  scenarios.insert(scenarios.end(), work_scenarios().begin(), work_scenarios().end());
  return scenarios;
}

}  // namespace counterpoint
