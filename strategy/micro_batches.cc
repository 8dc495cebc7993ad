#include "counterpoint/strategy/micro_batches.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <vector>

#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/internal/reduce_elements.h"
#include "counterpoint/strategy/internal/element_arithmetic.h"

namespace counterpoint::inline v1 {
namespace {

// The tree over `count` micro-batches. Its node at micro-batch i with stride s joins the node of i
// with that of i + s; i is a multiple of 2 s, and the node ends at i + 2 s or where there are no more.
// Calls join(i, i + s) for every node that lies within `range`, lower ones first.
template <class Join>
void join_nodes(std::int64_t count, const RowRange& range, Join join) {
  const std::int64_t end = range.first + range.count;
  for (std::int64_t stride = 1; stride < count; stride *= 2) {
    const std::int64_t step = 2 * stride;
    for (std::int64_t i = (range.first + step - 1) / step * step;
         i + stride < end && std::min(i + step, count) <= end; i += step) {
      join(i, i + stride);
    }
  }
}

// The micro-batches at which nodes begin that nothing within `range` joins to others.
std::vector<std::int64_t> topmost_nodes(std::int64_t count, const RowRange& range) {
  std::vector<bool> joined(static_cast<std::size_t>(range.count));
  join_nodes(count, range, [&](std::int64_t, std::int64_t right) {
    joined[static_cast<std::size_t>(right - range.first)] = true;
  });
  std::vector<std::int64_t> nodes;
  for (std::int64_t i = 0; i < range.count; ++i) {
    if (!joined[static_cast<std::size_t>(i)]) nodes.push_back(range.first + i);
  }
  return nodes;
}

void check_arguments(const ReplicaContext& replica, std::int64_t num_micro_batches,
                     const ConstBuffer& rows, const Buffer& reduced, Reduce reduce) {
  if (num_micro_batches < 1 || num_micro_batches > std::numeric_limits<std::int32_t>::max()) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{} micro-batches; give 1 or more", num_micro_batches));
  }
  if (rows.dtype != reduced.dtype) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("rows of {} cannot be reduced to {}; use one type",
                            dtype_name(rows.dtype), dtype_name(reduced.dtype)));
  }
  if (reduce == Reduce::mean && !is_floating(rows.dtype)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("a mean of {} is not a {}; reduce by sum and divide",
                            dtype_name(rows.dtype), dtype_name(rows.dtype)));
  }
  const RowRange mine =
      rows_of_replica(num_micro_batches, replica.replica_id(), replica.num_replicas_in_sync());
  if (rows.count != mine.count * reduced.count) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("replica {} gives {} elements for {} of {} micro-batches; a row has {}",
                            replica.replica_id(), rows.count, mine.count, num_micro_batches,
                            reduced.count));
  }
}

// What the replicas exchange: a digest of what each one reduces, then all topmost nodes in order,
// as words that are 0 but for those of the replica itself. Adding such integers moves any bits.
class Exchange {
 public:
  using Word = std::uint64_t;

  Exchange(std::int64_t num_micro_batches, int num_replicas, std::size_t row_bytes)
      : row_bytes_((row_bytes + sizeof(Word) - 1) / sizeof(Word) * sizeof(Word)),
        header_words_(static_cast<std::size_t>(num_replicas)) {
    for (int r = 0; r < num_replicas; ++r) {
      first_node_.push_back(nodes_.size());
      const auto own =
          topmost_nodes(num_micro_batches, rows_of_replica(num_micro_batches, r, num_replicas));
      nodes_.insert(nodes_.end(), own.begin(), own.end());
    }
    first_node_.push_back(nodes_.size());
    storage_.resize(header_words_ * sizeof(Word) + nodes_.size() * row_bytes_);
  }

  std::span<Word> words() {
    return {reinterpret_cast<Word*>(storage_.data()), storage_.size() / sizeof(Word)};
  }
  std::span<Word> header() { return words().first(header_words_); }
  // The micro-batches at which all nodes, or replica `r`'s, begin.
  const std::vector<std::int64_t>& nodes() const { return nodes_; }
  std::span<const std::int64_t> nodes_of(int r) const {
    const auto i = static_cast<std::size_t>(r);
    return std::span(nodes_).subspan(first_node_[i], first_node_[i + 1] - first_node_[i]);
  }
  std::byte* node(std::size_t index) {
    return storage_.data() + header_words_ * sizeof(Word) + index * row_bytes_;
  }
  std::byte* node_of(int r, std::size_t index) {
    return node(first_node_[static_cast<std::size_t>(r)] + index);
  }

 private:
  std::size_t row_bytes_;
  std::size_t header_words_;
  std::vector<std::size_t> first_node_;
  std::vector<std::int64_t> nodes_;
  std::vector<std::byte> storage_;  // bytes, because words and the caller's type share it
};

// Where collectives are not compared before their payload.
void check_alike(const CallRecord& record, std::span<const Exchange::Word> replicas, int id) {
  const auto other = std::ranges::find_if(
      replicas, [&](Exchange::Word record_of) { return record_of != record.fingerprint(); });
  if (other == replicas.end()) return;
  throw Error(ErrorCode::diverged,
              fmt::format("replica {} is at {}, and replica {} reduces other micro-batches: in "
                          "number, length, type or by another reduction",
                          id, record.to_string(), other - replicas.begin()));
}

}  // namespace

void all_reduce_micro_batches(const ReplicaContext& replica, std::int64_t num_micro_batches,
                              const ConstBuffer& rows, const Buffer& reduced, Reduce reduce,
                              std::source_location location) {
  check_arguments(replica, num_micro_batches, rows, reduced, reduce);
  const int id = replica.replica_id();
  const RowRange mine = rows_of_replica(num_micro_batches, id, replica.num_replicas_in_sync());
  const std::size_t bytes = static_cast<std::size_t>(reduced.count) * dtype_size(reduced.dtype);
  const Reduce join_by = reduce == Reduce::mean ? Reduce::sum : reduce;
  // Joins the row at `right` to that at `left`, which comes before it.
  const auto join_rows = [&](std::byte* left, const std::byte* right) {
    reduce_rows(reduced.dtype, join_by, left, static_cast<std::size_t>(right - left), 2,
                reduced.count, left);
  };

  std::vector<std::byte> own(bytes * static_cast<std::size_t>(mine.count));
  if (!own.empty()) std::memcpy(own.data(), rows.data, own.size());
  const auto own_row = [&](std::int64_t i) {
    return own.data() + static_cast<std::size_t>(i - mine.first) * bytes;
  };
  join_nodes(num_micro_batches, mine, [&](std::int64_t left, std::int64_t right) {
    join_rows(own_row(left), own_row(right));
  });

  Exchange exchange(num_micro_batches, replica.num_replicas_in_sync(), bytes);
  // Compared and logged as what the caller reduces, not as the words that stand for it.
  constexpr std::uint64_t kMicroBatches = 1;
  const std::array<std::int64_t, 2> shape = {num_micro_batches, reduced.count};
  const CallRecord record{.operation = Operation::all_reduce,
                          .dtype = reduced.dtype,
                          .shape = shape,
                          .scalars = {static_cast<std::uint64_t>(reduce), kMicroBatches},
                          .location = location};
  exchange.header()[static_cast<std::size_t>(id)] = record.fingerprint();
  const std::span<const std::int64_t> own_nodes = exchange.nodes_of(id);
  for (std::size_t i = 0; i < own_nodes.size() && bytes != 0; ++i) {
    std::memcpy(exchange.node_of(id, i), own_row(own_nodes[i]), bytes);
  }
  replica.all_reduce_as(record, Buffer::of(exchange.words()), Reduce::sum);
  check_alike(record, exchange.header(), id);

  // By micro-batch: where the node is that begins there, if none has been joined to yet.
  std::vector<std::byte*> present(static_cast<std::size_t>(num_micro_batches), nullptr);
  for (std::size_t i = 0; i < exchange.nodes().size(); ++i) {
    present[static_cast<std::size_t>(exchange.nodes()[i])] = exchange.node(i);
  }
  join_nodes(num_micro_batches, {0, num_micro_batches}, [&](std::int64_t left, std::int64_t right) {
    std::byte* const joined = present[static_cast<std::size_t>(right)];
    if (joined != nullptr) join_rows(present[static_cast<std::size_t>(left)], joined);
  });
  if (bytes == 0) return;
  if (reduce == Reduce::mean) {
    divide_elements({exchange.node(0), reduced.count, reduced.dtype, {}},
                    static_cast<int>(num_micro_batches));
  }
  std::memcpy(reduced.data, exchange.node(0), bytes);
}

}  // namespace counterpoint::inline v1
