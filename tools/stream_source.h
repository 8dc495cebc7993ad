// Whose numbers `draw` writes: a generator made from a seed or a state or out of a checkpoint, or a
// stateless seed; and one source a replica whose view was asked for.
//
//   const Streams streams = streams_of(options, /*stateless=*/false);
//   SlicedDraw draw(request, streams.sources[0]);
//
// A checkpoint is untrusted: it is read in a child process with limits.
// Thread-safety: one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sandbox.h"
#include "sliced_draw.h"

namespace counterpoint::tools {

struct StreamOptions {
  std::string seed = {};            // an integer of any size, or a vector
  std::string state = {};           // counter words, then the key
  std::string stateless_seed = {};  // two integers
  std::string checkpoint = {};
  std::string object = {};  // of the checkpoint: "noise", "model/noise"
  std::string algorithm = {};
  std::int64_t skip = 0;      // elements to skip first
  std::string replicas = {};  // "3", or "0:8" for 0 to 7; the primary stream if empty
  Limits limits = {};
};

struct Streams {
  const StreamDefinition* definition = nullptr;
  std::vector<DrawSource> sources = {};
  std::string note = {};  // what whoever reads the numbers must know, if anything
};

// `stateless`: whether the draw takes a seed of two integers; a generator then gives its
// make_seeds(1). Errors: UsageError; ReadFailed for a checkpoint, after a line on stderr.
Streams streams_of(const StreamOptions& options, bool stateless);

// What the child that read a checkpoint ended with.
struct ReadFailed {
  int status = 0;
};

// "0:8" as {0, 8}, "3" as {3, 4}. Errors: UsageError.
struct ReplicaRange {
  std::int64_t first = 0;
  std::int64_t end = 0;
};
ReplicaRange replica_range(const std::string& text);

}  // namespace counterpoint::tools
