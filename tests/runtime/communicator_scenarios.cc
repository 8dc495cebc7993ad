#include "runtime/communicator_scenarios.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace counterpoint {
namespace {

// Any rank can compute what any other brings. Magnitudes differ, so that the order of adding shows.
template <Element T>
T value_of(int rank, std::size_t index) {
  std::uint64_t x =
      index * 0x9e3779b97f4a7c15u + static_cast<std::uint64_t>(rank + 1) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 31)) * 0x94d049bb133111ebu;
  x ^= x >> 29;
  const double real =
      (static_cast<double>(x >> 11) * 0x1p-53 - 0.5) * std::exp2(static_cast<double>(x % 9));
  if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>) {
    return T::from_float(static_cast<float>(real));
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(real);
  } else {
    return static_cast<T>(x);
  }
}

template <Element T>
std::vector<T> values_of(int rank, std::size_t count) {
  std::vector<T> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = value_of<T>(rank, i);
  return values;
}

// The definition, one element after the other.
template <Element T>
T reduced(const std::vector<T>& by_rank, Reduce reduce) {
  const auto real = [](T x) {
    if constexpr (requires { x.to_float(); }) {
      return x.to_float();
    } else {
      return x;
    }
  };
  const auto rounded = [](auto x) {
    if constexpr (requires { T::from_float(x); }) {
      return T::from_float(x);
    } else {
      return static_cast<T>(x);
    }
  };
  T result = by_rank[0];
  for (std::size_t rank = 1; rank < by_rank.size(); ++rank) {
    const T next = by_rank[rank];
    switch (reduce) {
      case Reduce::sum:
      case Reduce::mean:
        if constexpr (std::is_integral_v<T>) {
          using Unsigned = std::make_unsigned_t<T>;
          result = static_cast<T>(static_cast<Unsigned>(result) + static_cast<Unsigned>(next));
        } else {
          result = rounded(real(result) + real(next));
        }
        break;
      case Reduce::min:
        if (real(next) < real(result)) result = next;
        break;
      case Reduce::max:
        if (real(next) > real(result)) result = next;
        break;
    }
  }
  if constexpr (is_floating(dtype_of<T>)) {
    if (reduce == Reduce::mean) {
      using Real = decltype(real(result));
      result = rounded(real(result) / static_cast<Real>(by_rank.size()));
    }
  }
  return result;
}

template <Element T>
void expect_same_bits(const std::vector<T>& got, const std::vector<T>& wanted,
                      const std::string& what) {
  ASSERT_EQ(got.size(), wanted.size()) << what;
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(std::memcmp(&got[i], &wanted[i], sizeof(T)), 0) << what << " at element " << i;
  }
}

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

// Large and small, waited for backwards: each rank's calls to MPI must still match.
void several_operations_under_way(Communicator& ranks) {
  std::vector<float> large = values_of<float>(ranks.rank(), 1'200'000);
  std::vector<std::int64_t> small = {ranks.rank() + 1};
  std::vector<float> sent = values_of<float>(ranks.rank(), 5);
  Work first = ranks.start_all_reduce(Buffer::of(std::span(large)), Reduce::sum);
  // Some get further with the first before they start the second.
  for (int i = 0; ranks.rank() % 2 == 0 && i < 20'000; ++i) first.test();
  Work second = ranks.start_exclusive_scan(Buffer::of(std::span(small)), Reduce::sum);
  Work third = ranks.start_barrier();
  Work fourth = ranks.start_broadcast(Buffer::of(std::span(sent)), ranks.size() - 1);
  if (ranks.rank() % 2 == 0) {
    fourth.wait(60);
    third.wait(60);
    second.wait(60);
    while (!first.test()) {
    }
  } else {
    first.wait(60);
    second.wait(60);
    Work moved = std::move(third);
    moved.wait(60);
    fourth.wait(60);
    fourth.wait(60);  // done is done
  }
  EXPECT_EQ(small[0], ranks.rank() * (ranks.rank() + 1) / 2);
  expect_same_bits(sent, values_of<float>(ranks.size() - 1, 5), "broadcast");
  std::vector<float> by_rank(ranks.size());
  for (const std::size_t i : {0, 599'999, 1'199'999}) {
    for (int r = 0; r < ranks.size(); ++r) by_rank[r] = value_of<float>(r, i);
    EXPECT_EQ(large[i], reduced(by_rank, Reduce::sum));
  }
}

void dropped_work_disturbs_nobody(Communicator& ranks) {
  std::int64_t untouched = ranks.rank() + 10;
  Work dropped = ranks.start_all_reduce(Buffer::of(std::span(&untouched, 1)), Reduce::sum);
  if (ranks.rank() == 0) {
    dropped = Work();
    const std::int64_t before = untouched;
    ranks.barrier();
    EXPECT_EQ(untouched, before);
  } else {
    ranks.barrier();
    dropped.wait(60);
    EXPECT_EQ(untouched, ranks.size() * (ranks.size() - 1) / 2 + 10 * ranks.size());
  }
}

void duplicates_do_not_meet(Communicator& ranks) {
  ranks.set_timeout_seconds(77);
  const auto other = ranks.duplicate();
  EXPECT_EQ(other->rank(), ranks.rank());
  EXPECT_EQ(other->size(), ranks.size());
  EXPECT_EQ(other->timeout_seconds(), 77);
  std::int64_t a = 1;
  std::int64_t b = 100;
  // Even and odd ranks start them in another order.
  Work on_this;
  Work on_other;
  if (ranks.rank() % 2 == 0)
    on_this = ranks.start_all_reduce(Buffer::of(std::span(&a, 1)), Reduce::sum);
  on_other = other->start_all_reduce(Buffer::of(std::span(&b, 1)), Reduce::sum);
  if (ranks.rank() % 2 == 1)
    on_this = ranks.start_all_reduce(Buffer::of(std::span(&a, 1)), Reduce::sum);
  on_this.wait(60);
  on_other.wait(60);
  EXPECT_EQ(a, ranks.size());
  EXPECT_EQ(b, 100 * ranks.size());
  other->duplicate()->barrier();
}

template <class Call>
void expect_invalid(const Call& call, const std::string& part) {
  try {
    call();
    ADD_FAILURE() << "not refused: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_NE(error.message().find(part), std::string::npos) << error.what();
  }
}

void wrong_calls_start_nothing(Communicator& ranks) {
  std::vector<float> values(4, 1.0F);
  std::vector<std::int64_t> integers(2, 1);
  std::vector<float> too_small(4 * ranks.size() - 1);
  const Buffer buffer = Buffer::of(std::span(values));
  Buffer on_gpu = buffer;
  on_gpu.device = {DeviceKind::cuda, 0};
  Buffer negative = buffer;
  negative.count = -1;
  Buffer null = buffer;
  null.data = nullptr;
  expect_invalid([&] { ranks.start_all_reduce(on_gpu, Reduce::sum); }, "GPU");
  expect_invalid([&] { ranks.start_all_reduce(negative, Reduce::sum); }, "-1");
  expect_invalid([&] { ranks.start_all_reduce(null, Reduce::sum); }, "null");
  expect_invalid([&] { ranks.all_reduce(std::span(integers), Reduce::mean); }, "i64");
  expect_invalid([&] { ranks.exclusive_scan(std::span(values), Reduce::mean); }, "mean");
  expect_invalid([&] { ranks.start_broadcast(buffer, ranks.size()); },
                 std::to_string(ranks.size()));
  expect_invalid([&] { ranks.start_broadcast(buffer, -1); }, "-1");
  expect_invalid([&] { ranks.all_gather(std::span<const float>(values), std::span(too_small)); },
                 std::to_string(too_small.size()));
  ranks.all_reduce(std::span(values), Reduce::sum);
  EXPECT_EQ(values[3], static_cast<float>(ranks.size()));
}

void describes_itself(Communicator& ranks) {
  const std::string wanted =
      "rank " + std::to_string(ranks.rank()) + " of " + std::to_string(ranks.size());
  EXPECT_NE(ranks.describe().find(wanted), std::string::npos) << ranks.describe();
}

constexpr Scenario scenarios[] = {
    {"AllReduceFoldsInRankOrder", all_reduce_folds_in_rank_order},
    {"AllReduceOfManySegments", all_reduce_of_many_segments},
    {"OrderOfAddingShows", order_of_adding_shows},
    {"NanWinsMinAndMax", nan_wins_min_and_max},
    {"BroadcastFromEveryRoot", broadcast_from_every_root},
    {"AllGatherInRankOrder", all_gather_in_rank_order},
    {"ExclusiveScanOfLowerRanks", exclusive_scan_of_lower_ranks},
    {"SeveralOperationsUnderWay", several_operations_under_way},
    {"DroppedWorkDisturbsNobody", dropped_work_disturbs_nobody},
    {"DuplicatesDoNotMeet", duplicates_do_not_meet},
    {"WrongCallsStartNothing", wrong_calls_start_nothing},
    {"DescribesItself", describes_itself},
};

}  // namespace

std::span<const Scenario> communicator_scenarios() { return scenarios; }

}  // namespace counterpoint
