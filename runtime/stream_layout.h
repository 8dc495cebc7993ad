// Which replicas share a stream: all different (the default), all the same, or different along some
// axes of a grid of replicas and the same along the others.
//
//   auto grid = strategy.grid({{"data", 2}, {"tensor", 2}});  // replica id = data * 2 + tensor
//   auto dropout = cp::Generator::from_seed(1, {.streams = grid.varying_along({"tensor"})});
//   auto labels = cp::Generator::from_seed(2, {.streams = cp::StreamLayout::identical()});
//
// A replica's stream is numbered by its coordinates along the axes that vary, row-major; varying
// along all of them is the default. Identical streams are the primary stream, which is also what
// cross-replica context draws.
// Thread-safety: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "counterpoint/kernels/export.h"

namespace counterpoint::inline v1 {

class COUNTERPOINT_PUBLIC StreamLayout {
 public:
  // Every replica its own.
  static StreamLayout per_replica() { return {}; }
  // Every replica the same.
  static StreamLayout identical();

  // The number of the replica's stream, from which its key derives; nothing for the primary stream.
  std::optional<std::uint64_t> stream_of(std::int64_t replica_id) const;
  bool is_per_replica() const noexcept { return kind_ == Kind::per_replica; }
  // How many replicas it was made for; 0 if that does not matter.
  int num_replicas() const noexcept;
  // Equal layouts have equal digests.
  std::uint64_t digest() const;

 private:
  friend class ReplicaGrid;
  enum class Kind : std::uint8_t { per_replica, identical, by_axis };
  struct Axis {
    int length;
    bool varies;
  };

  Kind kind_ = Kind::per_replica;
  std::vector<Axis> axes_;  // outermost first
};

struct GridAxis {
  std::string name;
  int length;
};

// Replicas laid out on named axes, the last one fastest.
class COUNTERPOINT_PUBLIC ReplicaGrid {
 public:
  // Errors: invalid_argument unless the names differ, and the lengths are positive and multiply to
  // `num_replicas`.
  ReplicaGrid(std::vector<GridAxis> axes, int num_replicas);

  const std::vector<GridAxis>& axes() const noexcept { return axes_; }
  // Along each axis. Errors: invalid_argument for an id that is not on the grid.
  std::vector<int> coordinates(int replica_id) const;
  // Errors: invalid_argument for an unknown axis, naming those known.
  StreamLayout varying_along(const std::vector<std::string>& names) const;

 private:
  std::vector<GridAxis> axes_;
  int num_replicas_;
};

}  // namespace counterpoint::inline v1
