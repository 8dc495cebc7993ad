// What a sampler hands to its vector kernel: streams and parameters of up to 512 outputs.
//
//   GammaChunk chunk(key, counter_high);
//   chunk.counter[0] = low; chunk.alpha[0] = 2.5; chunk.count = 1;
//   draw_gamma_chunk(chunk);                  // chunk.out[0], unless 0 is among chunk.left
//
// A kernel draws most outputs, and leaves rare ones (their indices are in `left`) to the scalar
// code, which draws them from the start. Arrays are padded, so that kernels may write whole vectors
// beyond `count`. Chunks and queues live on the stack, 200 KB of it at most. Internal. Thread-safety: values.
#pragma once

#include <cstdint>

#include "counterpoint/kernels/counter.h"

namespace counterpoint::inline v1::kernels {

inline constexpr std::uint64_t kChunkSize = 512;
inline constexpr std::uint64_t kChunkPadded = kChunkSize + 64;  // two of the widest vectors

// A number an output. Kernels read entry kChunkSize, too, for lanes that have no output.
struct ChunkColumn {
  ChunkColumn() { values[kChunkSize] = 1; }
  double& operator[](std::uint64_t i) { return values[i]; }

  alignas(64) double values[kChunkPadded];
};

struct SamplerChunk {
  SamplerChunk(std::uint64_t key_of_draw, std::uint64_t high)
      : key(key_of_draw), counter_high(high) {}

  std::uint64_t key;
  std::uint64_t counter_high;  // of all streams; none carries into it
  std::uint64_t count = 0;
  std::uint64_t left_count = 0;
  alignas(64) std::uint64_t counter[kChunkPadded];  // lower half, of each stream's first block
  alignas(64) std::uint64_t left[kChunkPadded];
  alignas(64) double out[kChunkPadded];
};

// Where all outputs have the same parameters they are `uniform`, and entry 0 of a column counts for
// all. Columns after an empty line are the kernel's.

struct GammaChunk : SamplerChunk {
  using SamplerChunk::SamplerChunk;
  bool uniform = false;
  bool to_f32 = false;  // outputs are rounded to f32 next: only then are they the scalar code's
  ChunkColumn alpha;
};

struct PoissonProductChunk : SamplerChunk {
  using SamplerChunk::SamplerChunk;
  bool uniform = false;
  ChunkColumn rate;

  ChunkColumn limit;
};

struct PoissonChunk : SamplerChunk {
  using SamplerChunk::SamplerChunk;
  bool uniform = false;
  double largest = 0;
  ChunkColumn rate;

  ChunkColumn log_rate;
  ChunkColumn a;
  ChunkColumn b;
  ChunkColumn inverse_alpha;
  ChunkColumn v_r;
};

struct BinomialStepChunk : SamplerChunk {
  using SamplerChunk::SamplerChunk;
  bool uniform = false;
  ChunkColumn n;
  ChunkColumn p;

  ChunkColumn log_of_failure;
};

struct BinomialChunk : SamplerChunk {
  using SamplerChunk::SamplerChunk;
  bool uniform = false;
  ChunkColumn n;
  ChunkColumn p;

  ChunkColumn a;
  ChunkColumn b;
  ChunkColumn c;
  ChunkColumn v_r;
  ChunkColumn r;
  ChunkColumn alpha;
  ChunkColumn m;
  ChunkColumn log_at_mode;  // the bound's terms that k does not change
  ChunkColumn tail_of_m;
  ChunkColumn tail_of_rest;
};

// Blocks beyond its first that a vector kernel may read of a stream.
inline constexpr std::uint64_t kMostRounds = 1024;

// Whether no block of `streams` streams carries into the counter's upper half, as chunks need.
inline bool fits_chunks(Counter first, std::uint64_t streams, std::uint64_t blocks_per_stream) {
  const std::uint64_t room = ~std::uint64_t{0} - first.low;
  return room >= kMostRounds && (room - kMostRounds) / blocks_per_stream >= streams;
}

}  // namespace counterpoint::inline v1::kernels
