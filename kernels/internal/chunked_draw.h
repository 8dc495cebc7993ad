// Draws outputs a chunk at a time: by the vector kernel, and what it leaves by the scalar code.
//
//   draw_alike<float>(draw, 256, chunk, redo, cast);        // all of one set of parameters
//   OutputsOfAKind<PoissonChunk, float> large(draw);        // some of those of many sets
//   large.add(i, b, stream, columns_of(b), redo, cast);     // draws whenever a chunk is full
//   large.flush(redo, cast);
//   // redo(b, PhiloxBlocks) is the scalar draw for parameters b, cast(b, x) the output.
//
// Internal. Thread-safety: values.
#pragma once

#include <algorithm>

#include "counterpoint/kernels/internal/philox_readers.h"
#include "counterpoint/kernels/internal/philox_samplers.h"
#include "counterpoint/kernels/simd/sampler_chunks.h"

namespace counterpoint::inline v1::kernels {

inline const char* draw_chunk(GammaChunk& chunk) { return draw_gamma_chunk(chunk); }
inline const char* draw_chunk(PoissonProductChunk& chunk) { return draw_poisson_chunk(chunk); }
inline const char* draw_chunk(PoissonChunk& chunk) { return draw_poisson_chunk(chunk); }
inline const char* draw_chunk(BinomialStepChunk& chunk) { return draw_binomial_chunk(chunk); }
inline const char* draw_chunk(BinomialChunk& chunk) { return draw_binomial_chunk(chunk); }

inline PhiloxBlocks blocks_of(const SamplerChunk& chunk, std::uint64_t i) {
  return {Counter{chunk.counter[i], chunk.counter_high}, chunk.key};
}

// `chunk` holds the parameters; batch is 1, so that streams are consecutive. put(chunk, out) makes
// outputs of a chunk's numbers.
template <class T, class Chunk, class Redo, class Put>
const char* put_alike(const BatchedDraw& draw, std::uint64_t blocks_per_stream, Chunk& chunk,
                      const Redo& redo, const Put& put) {
  T* out = static_cast<T*>(draw.output);
  std::uint64_t counter = draw.counter.low + blocks_per_stream * draw.first_element;
  const char* target = "";
  for (std::uint64_t left = draw.count; left != 0; left -= chunk.count) {
    chunk.count = std::min(left, kChunkSize);
    chunk.left_count = 0;
    for (std::uint64_t i = 0; i < chunk.count; ++i, counter += blocks_per_stream) {
      chunk.counter[i] = counter;
    }
    target = draw_chunk(chunk);
    for (std::uint64_t i = 0; i < chunk.left_count; ++i) {
      const std::uint64_t index = chunk.left[i];
      chunk.out[index] = redo(0, blocks_of(chunk, index));
    }
    put(chunk, out);
    out += chunk.count;
  }
  return target;
}

template <class T, class Chunk, class Redo, class Cast>
const char* draw_alike(const BatchedDraw& draw, std::uint64_t blocks_per_stream, Chunk& chunk,
                       const Redo& redo, const Cast& cast) {
  return put_alike<T>(draw, blocks_per_stream, chunk, redo, [&](const Chunk& drawn, T* out) {
    for (std::uint64_t i = 0; i < drawn.count; ++i) out[i] = cast(0, drawn.out[i]);
  });
}

template <class Chunk, class T>
class OutputsOfAKind {
 public:
  OutputsOfAKind(const BatchedDraw& draw, std::uint64_t blocks_per_stream)
      : out_(static_cast<T*>(draw.output)),
        low_(draw.counter.low),
        blocks_per_stream_(blocks_per_stream),
        chunk_(draw.key, draw.counter.high) {}

  Chunk& chunk() { return chunk_; }

  // Output i is of `stream` and parameters b; place(chunk, n) puts these into entry n.
  template <class Place, class Redo, class Cast>
  void add(std::uint64_t i, std::uint64_t b, std::uint64_t stream, const Place& place,
           const Redo& redo, const Cast& cast) {
    const std::uint64_t n = chunk_.count++;
    position_[n] = i;
    parameters_[n] = b;
    chunk_.counter[n] = low_ + blocks_per_stream_ * stream;
    place(chunk_, n);
    if (chunk_.count == kChunkSize) flush(redo, cast);
  }

  template <class Redo, class Cast>
  void flush(const Redo& redo, const Cast& cast) {
    if (chunk_.count == 0) return;
    target_ = draw_chunk(chunk_);
    for (std::uint64_t i = 0; i < chunk_.left_count; ++i) {
      const std::uint64_t index = chunk_.left[i];
      chunk_.out[index] = redo(parameters_[index], blocks_of(chunk_, index));
    }
    for (std::uint64_t i = 0; i < chunk_.count; ++i) {
      out_[position_[i]] = cast(parameters_[i], chunk_.out[i]);
    }
    chunk_.count = 0;
    chunk_.left_count = 0;
  }

  // Which instruction set has drawn; null if nothing was drawn.
  const char* target() const { return target_; }

 private:
  T* out_;
  std::uint64_t low_;
  std::uint64_t blocks_per_stream_;
  const char* target_ = nullptr;
  Chunk chunk_;
  std::uint64_t position_[kChunkSize];
  std::uint64_t parameters_[kChunkSize];
};

}  // namespace counterpoint::inline v1::kernels
