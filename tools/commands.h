// The subcommands. Each adds itself to the command line and returns what runs it, which gives the
// exit status.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "sandbox.h"

namespace counterpoint::tools {

using Run = std::function<int()>;

// The options that bound the reading of untrusted files, shared by subcommands.
void add_limits(CLI::App& command, Limits& limits);

Run add_inspect(CLI::App& command);
Run add_verify(CLI::App& command);

}  // namespace counterpoint::tools
