// One logical draw, written in slices: together they are the draw, however it is cut, so that a
// draw can be larger than memory.
//
//   const SlicedDraw draw(request, source);
//   draw.fill(first_element, out_bytes);       // whole elements of request.dtype
//
// Thread-safety: fill() may be called from several threads at once. Determinism: as the library's
// draws, which these are. Source: the fills of kernels/stream_definition.h.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "counterpoint/runtime/algorithm.h"
#include "counterpoint/runtime/state_store.h"
#include "counterpoint/runtime/stateless_seed.h"
#include "counterpoint/runtime/tensor.h"
#include "distributions.h"

namespace counterpoint::tools {

struct DrawRequest {
  const DistributionInfo* distribution = nullptr;
  DType dtype = DType::f32;
  Parameters parameters = {};
  std::vector<double> logits = {};  // of a categorical
  Shape shape = {};                 // of the whole draw
  const StreamDefinition* definition = nullptr;
};

// Shape of a draw that does not end: more elements than anybody will see.
inline const Shape endless = {std::int64_t{1} << 62};

// Where the numbers come from: key and counter, and for a stateless draw the seed that gave them.
struct DrawSource {
  StreamState state = {};
  std::optional<StatelessSeed> seed = std::nullopt;
};

class SlicedDraw {
 public:
  // Errors: invalid_argument for what the library refuses to draw; resource_exhausted for a draw
  // that cannot be cut (parameterized_truncated_normal, one sequence of accepted candidates) and
  // does not fit in memory.
  SlicedDraw(const DrawRequest& request, const DrawSource& source);

  void fill(std::uint64_t first_element, std::span<std::byte> out) const;

 private:
  void plan_fill();
  void plan_sampler();
  void fill_sampler(std::uint64_t first_element, std::uint64_t count, std::byte* out) const;
  const void* parameter(std::size_t index) const { return parameters_[index].bytes().data(); }

  DrawRequest request_;
  StreamState state_;
  bool has_fill_ = false;  // else it is a sampler
  kernels::Fill fill_;
  std::vector<Tensor> parameters_;  // of a sampler, in their type
  Tensor whole_;                    // of a draw that cannot be cut
};

}  // namespace counterpoint::tools
