// What collectives compute: every element, on every rank, to the bit.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/communicator_scenarios.h"
#include "runtime/rank_values.h"

namespace counterpoint {
namespace {

constexpr Reduce all_reductions[] = {Reduce::sum, Reduce::mean, Reduce::min, Reduce::max};

template <Element T>
void check_all_reduce(Communicator& ranks, Reduce reduce, std::size_t count) {
  std::vector<T> values = values_of<T>(ranks.rank(), count);
  ranks.all_reduce(std::span(values), reduce);
  std::vector<T> wanted(count);
  std::vector<T> by_rank(ranks.size());
  for (std::size_t i = 0; i < count; ++i) {
    for (int r = 0; r < ranks.size(); ++r) by_rank[r] = value_of<T>(r, i);
    wanted[i] = reduced(by_rank, reduce);
  }
  expect_same_bits(values, wanted,
                   std::string(dtype_name(dtype_of<T>)) + " reduction " +
                       std::to_string(static_cast<int>(reduce)) + " of " + std::to_string(count));
}

// Sizes below, at and above the limits between algorithms.
void all_reduce_folds_in_rank_order(Communicator& ranks) {
  for (int dtype = 0; dtype < 8; ++dtype) {
    visit_dtype(static_cast<DType>(dtype), [&]<class T>(T) {
      for (const Reduce reduce : all_reductions) {
        if (reduce == Reduce::mean && !is_floating(dtype_of<T>)) continue;
        for (const std::size_t count : {0, 1, 8, 1000, 20'011}) {
          check_all_reduce<T>(ranks, reduce, count);
        }
      }
    });
  }
}

void all_reduce_of_many_segments(Communicator& ranks) {
  check_all_reduce<float>(ranks, Reduce::sum, 3'000'001);
  check_all_reduce<double>(ranks, Reduce::mean, 1'500'001);
}

// If this fails, the other scenarios' data could not tell one order from another.
void order_of_adding_shows(Communicator& ranks) {
  if (ranks.size() < 3) return;  // a + b is b + a
  int differing = 0;
  for (std::size_t i = 0; i < 1000; ++i) {
    std::vector<float> forward;
    for (int r = 0; r < ranks.size(); ++r) forward.push_back(value_of<float>(r, i));
    const std::vector<float> backward(forward.rbegin(), forward.rend());
    differing += reduced(forward, Reduce::sum) != reduced(backward, Reduce::sum);
  }
  EXPECT_GT(differing, 0);
}

void nan_wins_min_and_max(Communicator& ranks) {
  for (int owner = 0; owner < ranks.size(); ++owner) {
    for (const Reduce reduce : {Reduce::min, Reduce::max}) {
      std::vector<float> values = {1.0F, static_cast<float>(ranks.rank())};
      if (ranks.rank() == owner) values[0] = std::numeric_limits<float>::quiet_NaN();
      ranks.all_reduce(std::span(values), reduce);
      EXPECT_TRUE(std::isnan(values[0]));
      EXPECT_EQ(values[1], reduce == Reduce::min ? 0.0F : static_cast<float>(ranks.size() - 1));
    }
  }
}

void broadcast_from_every_root(Communicator& ranks) {
  for (int root = 0; root < ranks.size(); ++root) {
    for (const std::size_t count : {0, 1, 1000, 1'000'001}) {
      std::vector<double> values = values_of<double>(ranks.rank(), count);
      ranks.broadcast(std::span(values), root);
      expect_same_bits(values, values_of<double>(root, count), "broadcast");
    }
  }
}

// Two at a time, of memory that a caller may let go of at once.
void broadcast_in_place(Communicator& ranks) {
  for (int root = 0; root < ranks.size(); ++root) {
    for (const std::size_t count : {0, 1, 1000, 1'000'001}) {
      const auto first =
          std::make_shared<std::vector<double>>(values_of<double>(ranks.rank(), count));
      const auto second =
          std::make_shared<std::vector<float>>(values_of<float>(ranks.rank(), count));
      Work work = ranks.start_broadcast_in_place(Buffer::of(std::span(*first)), root, first);
      ranks.start_broadcast_in_place(Buffer::of(std::span(*second)), root, second).wait(60);
      work.wait(60);
      expect_same_bits(*first, values_of<double>(root, count), "first broadcast");
      expect_same_bits(*second, values_of<float>(root, count), "second broadcast");
      work = Work();
      EXPECT_EQ(first.use_count(), 1);
      auto dropped = std::make_shared<std::vector<float>>(count);
      const Buffer buffer = Buffer::of(std::span(*dropped));
      ranks.start_broadcast_in_place(buffer, root, std::move(dropped));
    }
  }
  ranks.barrier();
}

void all_gather_in_rank_order(Communicator& ranks) {
  for (const std::size_t count : {0, 1, 1000, 700'001}) {
    const std::vector<std::int32_t> values = values_of<std::int32_t>(ranks.rank(), count);
    std::vector<std::int32_t> gathered(count * ranks.size());
    ranks.all_gather(std::span(values), std::span(gathered));
    std::vector<std::int32_t> wanted;
    for (int r = 0; r < ranks.size(); ++r) {
      const auto theirs = values_of<std::int32_t>(r, count);
      wanted.insert(wanted.end(), theirs.begin(), theirs.end());
    }
    expect_same_bits(gathered, wanted, "all_gather");
  }
}

void exclusive_scan_of_lower_ranks(Communicator& ranks) {
  for (const std::size_t count : {0, 1, 1000, 700'001}) {
    for (const Reduce reduce : {Reduce::sum, Reduce::min, Reduce::max}) {
      const std::vector<float> own = values_of<float>(ranks.rank(), count);
      std::vector<float> values = own;
      ranks.exclusive_scan(std::span(values), reduce);
      std::vector<float> wanted = reduce == Reduce::sum ? std::vector<float>(count) : own;
      if (ranks.rank() > 0) {
        std::vector<float> lower(ranks.rank());
        for (std::size_t i = 0; i < count; ++i) {
          for (int r = 0; r < ranks.rank(); ++r) lower[r] = value_of<float>(r, i);
          wanted[i] = reduced(lower, reduce);
        }
      }
      expect_same_bits(values, wanted, "exclusive_scan");
    }
  }
}

constexpr Scenario scenarios[] = {
    {"AllReduceFoldsInRankOrder", all_reduce_folds_in_rank_order},
    {"AllReduceOfManySegments", all_reduce_of_many_segments},
    {"OrderOfAddingShows", order_of_adding_shows},
    {"NanWinsMinAndMax", nan_wins_min_and_max},
    {"BroadcastFromEveryRoot", broadcast_from_every_root},
    {"BroadcastInPlace", broadcast_in_place},
    {"AllGatherInRankOrder", all_gather_in_rank_order},
    {"ExclusiveScanOfLowerRanks", exclusive_scan_of_lower_ranks},
};

}  // namespace

std::span<const Scenario> value_scenarios() { return scenarios; }

}  // namespace counterpoint
