#include "counterpoint/runtime/stream_layout.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <string>

#include "counterpoint/runtime/call_record.h"
#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1 {

StreamLayout StreamLayout::identical() {
  StreamLayout layout;
  layout.kind_ = Kind::identical;
  return layout;
}

std::optional<std::uint64_t> StreamLayout::stream_of(std::int64_t replica_id) const {
  if (kind_ == Kind::per_replica) return static_cast<std::uint64_t>(replica_id);
  std::uint64_t stream = 0;
  std::uint64_t stride = 1;
  bool any = false;
  for (auto axis = axes_.rbegin(); axis != axes_.rend(); ++axis) {
    const std::int64_t coordinate = replica_id % axis->length;
    replica_id /= axis->length;
    if (!axis->varies) continue;
    any = true;
    stream += static_cast<std::uint64_t>(coordinate) * stride;
    stride *= static_cast<std::uint64_t>(axis->length);
  }
  if (!any) return std::nullopt;
  return stream;
}

int StreamLayout::num_replicas() const noexcept {
  if (axes_.empty()) return 0;
  int count = 1;
  for (const Axis& axis : axes_) count *= axis.length;
  return count;
}

std::uint64_t StreamLayout::digest() const {
  std::uint64_t digest = static_cast<std::uint64_t>(kind_);
  for (const Axis& axis : axes_) {
    digest =
        mix_digest(digest, static_cast<std::uint64_t>(axis.length) * 2 + (axis.varies ? 1 : 0));
  }
  return digest;
}

ReplicaGrid::ReplicaGrid(std::vector<GridAxis> axes, int num_replicas)
    : axes_(std::move(axes)), num_replicas_(num_replicas) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::int64_t product = 1;
  bool too_many = false;
  std::string text;
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    const GridAxis& axis = axes_[i];
    text += fmt::format("{}{} {}", i == 0 ? "" : " x ", axis.name, axis.length);
    const bool repeated =
        std::any_of(axes_.begin(), axes_.begin() + static_cast<std::ptrdiff_t>(i),
                    [&](const GridAxis& other) { return other.name == axis.name; });
    if (axis.name.empty() || repeated || axis.length < 1) {
      throw Error(
          ErrorCode::invalid_argument,
          fmt::format("axes of a grid have different names and positive lengths; axis {} is "
                      "'{}' of length {}",
                      i, axis.name, axis.length));
    }
    too_many = too_many || product > kMost / axis.length;
    if (!too_many) product *= axis.length;
  }
  if (too_many || product != num_replicas) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("a grid of {} holds {} replicas; the strategy has {}",
                            text.empty() ? "no axes" : text,
                            too_many ? "too many" : std::to_string(product), num_replicas));
  }
}

std::vector<int> ReplicaGrid::coordinates(int replica_id) const {
  if (replica_id < 0 || replica_id >= num_replicas_) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("there is no replica {} on a grid of {}", replica_id, num_replicas_));
  }
  std::vector<int> result(axes_.size());
  for (std::size_t i = axes_.size(); i-- > 0;) {
    result[i] = replica_id % axes_[i].length;
    replica_id /= axes_[i].length;
  }
  return result;
}

StreamLayout ReplicaGrid::varying_along(const std::vector<std::string>& names) const {
  StreamLayout layout;
  layout.kind_ = StreamLayout::Kind::by_axis;
  for (const GridAxis& axis : axes_) {
    layout.axes_.push_back({axis.length, std::ranges::find(names, axis.name) != names.end()});
  }
  for (const std::string& name : names) {
    if (std::ranges::none_of(axes_, [&](const GridAxis& axis) { return axis.name == name; })) {
      std::vector<std::string> known;
      for (const GridAxis& axis : axes_) known.push_back(axis.name);
      throw Error(ErrorCode::invalid_argument, fmt::format("the grid has no axis '{}'; it has {}",
                                                           name, fmt::join(known, ", ")));
    }
  }
  return layout;
}

}  // namespace counterpoint::inline v1
