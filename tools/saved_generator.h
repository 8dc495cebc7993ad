// A generator that a checkpoint holds, as far as a draw needs it: read in a child process with limits,
// which tells it in words that are as little to be trusted as the file.
//
//   const SavedGenerator saved = saved_generator({.checkpoint = "run.h5", .replicas = "3"});
//   Generator of_replica_3 = saved.generator(0);   // the first, and only, state asked for
//
// Thread-safety: one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "counterpoint/runtime/generator.h"
#include "stream_source.h"

namespace counterpoint::tools {

struct SavedGenerator {
  std::string algorithm;
  std::int64_t num_replicas = 0;  // that have a state each; 0 where all share one
  // Of the states asked for, one after the other; or of the shared one.
  std::vector<std::int64_t> words;
  std::string object;  // its path in the checkpoint; its end may be missing if it is long

  // Of the state at `index` in `words`.
  Generator generator(std::int64_t index) const;
};

// Errors: UsageError; ReadFailed after a line on stderr.
SavedGenerator saved_generator(const StreamOptions& options);

// What the child says, and what is understood of it. Errors: ReadFailed, after a line on stderr, for
// what is no answer to `options`.
std::string to_answer(const SavedGenerator& saved);
SavedGenerator from_answer(std::string_view answer, const StreamOptions& options);

}  // namespace counterpoint::tools
