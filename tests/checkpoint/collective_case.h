// A case that must hold for any number of ranks, threads or processes: called by every rank with
// the communicator and one folder.
#pragma once

#include <memory>
#include <string>

#include "checkpoint/support.h"

namespace checkpoint_tests {

using World = std::shared_ptr<cp::Communicator>;
using Case = void (*)(const World& world, const std::string& folder);

struct NamedCase {
  const char* name;
  Case body;
};

}  // namespace checkpoint_tests
