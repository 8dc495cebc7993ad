// What every communicator promises, as functions that each rank calls with its handle: run on
// threads and under mpirun alike.
//
//   for (const Scenario& scenario : communicator_scenarios()) scenario.run(*handle);
#pragma once

#include <ostream>
#include <span>

#include "counterpoint/runtime/communicator.h"

namespace counterpoint {

struct Scenario {
  const char* name;
  void (*run)(Communicator& ranks);

  friend void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }
};

std::span<const Scenario> communicator_scenarios();

}  // namespace counterpoint
