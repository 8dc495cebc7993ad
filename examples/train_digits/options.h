// The command line of train_digits.
//
//   const ParsedOptions parsed = parse_options(argc, argv, world->rank() == 0);
//   if (parsed.exit_code) return *parsed.exit_code;
//
// Thread-safety: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "train_digits/progress.h"

namespace train_digits {

struct Options {
  std::int64_t epochs = 60;
  std::int64_t seed = 1;
  int replicas_per_rank = 1;
  std::string checkpoints = "run";
  std::int64_t every = 25;
  std::string plot;
  std::string data;
  Progress::Style progress = Progress::Style::automatic;
  bool show_streams = false;
  bool invariant = false;
};

struct ParsedOptions {
  Options options;
  std::optional<int> exit_code;  // set where there is nothing to run: --help, or a wrong option
};

// What there is to say is said where `speaks` is true: on one rank.
ParsedOptions parse_options(int argc, char** argv, bool speaks);

}  // namespace train_digits
