// Each replica's rows of one logical draw: the whole is the same bits for any number of replicas.
//
//   auto mask = noise.sharded().uniform<float>({batch, 64});  // this replica's rows of [batch, 64]
//   cp::RowRange rows = cp::rows_of_replica(batch, replica_id, num_replicas);
//   noise.sharded().fill_normal(out, {batch, 64});            // into rows.count * 64 elements
//
// Rows are the first dimension, dealt out in order of replica id, the first ones getting one more
// where they do not divide. Every replica draws with the primary key and skips what is not its own:
// nothing is sent, and the state moves by the whole. In cross-replica context and outside, it is
// all rows. Parameters are numbers, or tensors that broadcast along the rows.
//
// Thread-safety, errors: as Generator. Source: the fill of a slice, kernels/stream_definition.h.
#pragma once

#include <cstdint>
#include <source_location>
#include <span>

#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/generator.h"

namespace counterpoint::inline v1 {

struct RowRange {
  std::int64_t first = 0;
  std::int64_t count = 0;
};

// Errors: invalid_argument for negative rows or a replica that is not one of `num_replicas`.
COUNTERPOINT_PUBLIC RowRange rows_of_replica(std::int64_t rows, int replica_id, int num_replicas);

class COUNTERPOINT_PUBLIC ShardedDraws {
  using Location = std::source_location;

 public:
  explicit ShardedDraws(std::shared_ptr<StateStore> store) : store_(std::move(store)) {}

  // `shape` is of the whole draw, at least one-dimensional; the result has this replica's rows of
  // it.
  template <Element T>
  Tensor normal(const Shape& shape, const Parameter& mean = 0.0, const Parameter& stddev = 1.0,
                Location location = Location::current()) const {
    return draw(Operation::normal, shape, mean, stddev, dtype_of<T>, location);
  }
  template <Element T>
  Tensor truncated_normal(const Shape& shape, const Parameter& mean = 0.0,
                          const Parameter& stddev = 1.0,
                          Location location = Location::current()) const {
    return draw(Operation::truncated_normal, shape, mean, stddev, dtype_of<T>, location);
  }
  template <Element T>
    requires(is_floating(dtype_of<T>))
  Tensor uniform(const Shape& shape, const Parameter& minval = 0.0, const Parameter& maxval = 1.0,
                 Location location = Location::current()) const {
    return draw(Operation::uniform, shape, minval, maxval, dtype_of<T>, location);
  }
  template <Element T>
    requires(!is_floating(dtype_of<T>))
  Tensor uniform(const Shape& shape, const Parameter& minval, const Parameter& maxval,
                 Location location = Location::current()) const {
    return draw(Operation::uniform, shape, minval, maxval, dtype_of<T>, location);
  }
  template <Element T>
  Tensor uniform_full_int(const Shape& shape, Location location = Location::current()) const {
    return draw(Operation::uniform_full_int, shape, 0, 0, dtype_of<T>, location);
  }

  // Into an array of exactly this replica's elements.
  template <ElementRange R>
  void fill_normal(R&& out, ShapeView shape, const Parameter& mean = 0.0,
                   const Parameter& stddev = 1.0, Location location = Location::current()) const {
    fill(Operation::normal, buffer_of(out), shape, mean, stddev, location);
  }
  template <ElementRange R>
  void fill_uniform(R&& out, ShapeView shape, const Parameter& minval = 0.0,
                    const Parameter& maxval = 1.0, Location location = Location::current()) const {
    fill(Operation::uniform, buffer_of(out), shape, minval, maxval, location);
  }

 private:
  template <class R>
  static Buffer buffer_of(R& out) {
    return Buffer::of(std::span<std::ranges::range_value_t<R>>(out));
  }
  Tensor draw(Operation operation, const Shape& shape, const Parameter& first,
              const Parameter& second, DType dtype, const Location& location) const;
  void fill(Operation operation, const Buffer& out, ShapeView shape, const Parameter& first,
            const Parameter& second, const Location& location) const;

  std::shared_ptr<StateStore> store_;
};

}  // namespace counterpoint::inline v1
