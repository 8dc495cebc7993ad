// The reduction over micro-batches: the bits of its definition, on any number of replicas and ranks.
#include "counterpoint/strategy/micro_batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <limits>
#include <thread>
#include <vector>

#include "counterpoint/runtime/thread_communicator.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "runtime/expect_error.h"

namespace counterpoint {
namespace {

constexpr std::int64_t row_length = 5;  // odd, so that rows of 2 and 4 bytes need padding

// Runs `function(world)` as each of `ranks` ranks.
void on_ranks(int ranks,
              const std::function<void(const std::shared_ptr<Communicator>&)>& function) {
  std::vector<std::jthread> threads;
  for (const auto& world : ThreadCommunicator::create(ranks)) {
    threads.emplace_back([&function, world] { function(world); });
  }
}

// Magnitudes differ, so that the order of adding shows.
template <class T>
std::vector<T> rows_of(const RowRange& range) {
  std::vector<T> rows;
  for (std::int64_t i = range.first * row_length; i < (range.first + range.count) * row_length;
       ++i) {
    auto generator = Generator::from_seed({i, 17});
    const float real =
        generator.normal<float>({}).item<float>() * static_cast<float>(1 << (i % 11));
    if constexpr (requires { T::from_float(real); }) {
      rows.push_back(T::from_float(real));
    } else {
      rows.push_back(static_cast<T>(real));
    }
  }
  return rows;
}

template <class T>
T join(T a, T b, Reduce reduce) {
  if constexpr (requires { T::from_float(0.0F); }) {
    return T::from_float(join(a.to_float(), b.to_float(), reduce));
  } else {
    if (reduce == Reduce::min) return b < a ? b : a;
    if (reduce == Reduce::max) return a < b ? b : a;
    return a + b;
  }
}

// The definition: the tree's node over `count` micro-batches from `first` has its left child over the
// largest power of two below `count`.
template <class T>
T defined(const std::vector<T>& rows, std::int64_t element, std::int64_t first, std::int64_t count,
          Reduce reduce) {
  if (count == 1) return rows[static_cast<std::size_t>(first * row_length + element)];
  std::int64_t left = 1;
  while (2 * left < count) left *= 2;
  return join(defined(rows, element, first, left, reduce),
              defined(rows, element, first + left, count - left, reduce), reduce);
}

template <class T>
void expect_the_definition(const ReplicaContext& replica, std::int64_t count, Reduce reduce) {
  const std::vector<T> all = [&] {
    const ContextGuard outside({.kind = ContextKind::outside});
    return rows_of<T>({0, count});
  }();
  const RowRange mine =
      rows_of_replica(count, replica.replica_id(), replica.num_replicas_in_sync());
  const std::vector<T> rows(all.begin() + mine.first * row_length,
                            all.begin() + (mine.first + mine.count) * row_length);
  std::vector<T> reduced(row_length);
  all_reduce_micro_batches(replica, count, rows, reduced, reduce);
  for (std::int64_t i = 0; i < row_length; ++i) {
    T wanted = defined(all, i, 0, count, reduce);
    if constexpr (std::is_floating_point_v<T>) {
      if (reduce == Reduce::mean) wanted /= static_cast<T>(count);
    }
    EXPECT_EQ(std::memcmp(&reduced[static_cast<std::size_t>(i)], &wanted, sizeof(T)), 0)
        << "element " << i << " of " << count << " micro-batches, replica " << replica.replica_id()
        << " of " << replica.num_replicas_in_sync();
  }
}

TEST(MicroBatches, GiveTheDefinitionsBitsOnAnySplit) {
  for (const auto& [ranks, replicas] :
       {std::pair(1, 1), {1, 2}, {2, 1}, {3, 1}, {1, 3}, {2, 2}, {1, 7}, {2, 4}, {4, 2}, {3, 3}}) {
    on_ranks(ranks, [replicas = replicas](const std::shared_ptr<Communicator>& world) {
      MirroredStrategy strategy(world, {.replicas_per_rank = replicas});
      strategy.run([&](ReplicaContext& replica) {
        for (const std::int64_t count : {1, 2, 3, 5, 6, 7, 8, 16, 33}) {
          expect_the_definition<float>(replica, count, Reduce::sum);
          expect_the_definition<double>(replica, count, Reduce::mean);
        }
        expect_the_definition<Float16>(replica, 13, Reduce::sum);
        expect_the_definition<BFloat16>(replica, 6, Reduce::max);
        expect_the_definition<std::int32_t>(replica, 13, Reduce::sum);
        expect_the_definition<std::int64_t>(replica, 9, Reduce::min);
        expect_the_definition<float>(replica, 9, Reduce::min);
      });
    });
  }
}

// If this fails, the rows could not tell one order from another.
TEST(MicroBatches, OrderOfAddingShows) {
  const std::vector<float> rows = rows_of<float>({0, 16});
  int differing = 0;
  for (std::int64_t i = 0; i < row_length; ++i) {
    float one_by_one = 0;
    for (std::int64_t row = 0; row < 16; ++row) {
      one_by_one += rows[static_cast<std::size_t>(row * row_length + i)];
    }
    differing += one_by_one != defined(rows, i, 0, 16, Reduce::sum) ? 1 : 0;
  }
  EXPECT_GT(differing, 0);
}

TEST(MicroBatches, BitsTravelAsTheyAre) {
  MirroredStrategy strategy({.replicas_per_rank = 3});
  strategy.run([&](ReplicaContext& replica) {
    const std::vector<float> rows(replica.replica_id() == 0 ? 4 : 0,
                                  -std::numeric_limits<float>::quiet_NaN());
    std::vector<float> reduced = {1, 2, -0.0F, 4};
    all_reduce_micro_batches(replica, 1, rows, reduced, Reduce::sum);
    const float wanted = -std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(std::memcmp(reduced.data() + 2, &wanted, sizeof wanted), 0);
    std::vector<float> none;
    all_reduce_micro_batches(replica, 5, none, none, Reduce::sum);
    const std::vector<double> zeros(replica.replica_id() == 2 ? 0 : 1, -0.0);
    std::vector<double> zero = {1};
    all_reduce_micro_batches(replica, 2, zeros, zero, Reduce::sum);
    EXPECT_TRUE(std::signbit(zero[0]));
  });
}

TEST(MicroBatches, WhatDoesNotFitIsRefusedAndChangesNothing) {
  const auto refused = [](ErrorCode code, std::initializer_list<std::string> texts,
                          const auto& call) {
    MirroredStrategy strategy({.replicas_per_rank = 2});
    std::vector<std::vector<float>> reduced(2, std::vector<float>(3, 7.0F));
    expect_error(code, texts, [&] {
      strategy.run([&](ReplicaContext& replica) {
        call(replica, reduced[static_cast<std::size_t>(replica.replica_id())]);
      });
    });
    for (const auto& values : reduced) EXPECT_EQ(values, std::vector<float>(3, 7.0F));
  };
  refused(ErrorCode::invalid_argument, {"8 elements for 2 of 4 micro-batches", "a row has 3"},
          [](const ReplicaContext& replica, std::vector<float>& reduced) {
            const std::vector<float> rows(8);
            all_reduce_micro_batches(replica, 4, rows, reduced, Reduce::sum);
          });
  refused(ErrorCode::invalid_argument, {"0 micro-batches"},
          [](const ReplicaContext& replica, std::vector<float>& reduced) {
            all_reduce_micro_batches(replica, 0, std::vector<float>(), reduced, Reduce::sum);
          });
  refused(ErrorCode::invalid_argument, {"rows of f64", "f32"},
          [](const ReplicaContext& replica, std::vector<float>& reduced) {
            all_reduce_micro_batches(replica, 2, std::vector<double>(3), reduced, Reduce::sum);
          });
  refused(ErrorCode::invalid_argument, {"mean of i32"},
          [](const ReplicaContext& replica, std::vector<float>&) {
            std::vector<std::int32_t> row(3);
            all_reduce_micro_batches(replica, 2, row, row, Reduce::mean);
          });
}

// What would exchange as many words all the same: nothing moves, and both calls are named.
TEST(MicroBatches, OfOtherKindsAreNamedBeforeTheyMove) {
  const auto at = [](const std::string& what, const std::string& reduce) {
    return testing::AllOf(testing::HasSubstr("all_reduce " + what + " at micro_batches_test.cc:"),
                          testing::HasSubstr("(" + reduce + ", of micro-batches)"));
  };
  struct Other {
    testing::Matcher<std::string> named;
    std::function<void(const ReplicaContext&)> make;
  };
  const auto floats = [](std::int64_t count, std::size_t length, Reduce reduce) {
    return [=](const ReplicaContext& replica) {
      std::vector<float> reduced(length, 7.0F);
      const std::vector<float> rows(static_cast<std::size_t>(count) / 2 * length, 1.0F);
      try {
        all_reduce_micro_batches(replica, count, rows, reduced, reduce);
      } catch (const Error&) {
        EXPECT_EQ(reduced, std::vector<float>(length, 7.0F));
        throw;
      }
    };
  };
  const std::vector<Other> others = {{at("f32 [4, 4]", "mean"), floats(4, 4, Reduce::mean)},
                                     {at("f32 [4, 3]", "sum"), floats(4, 3, Reduce::sum)},
                                     {at("f32 [2, 4]", "sum"), floats(2, 4, Reduce::sum)},
                                     {at("f64 [4, 2]", "sum"), [](const ReplicaContext& replica) {
                                        std::vector<double> reduced(2);
                                        all_reduce_micro_batches(replica, 4, std::vector<double>(4),
                                                                 reduced, Reduce::sum);
                                      }}};
  for (const bool late : {false, true}) {
    for (const Other& other : others) {
      on_ranks(2, [&](const std::shared_ptr<Communicator>& world) {
        MirroredStrategy strategy(
            world, {.timeout_seconds = 60,
                    .collective_checks =
                        late ? CollectiveChecks::at_end_of_run : CollectiveChecks::before_payload,
                    .last_calls_folder = ""});
        const bool odd = world->rank() == 1;
        try {
          strategy.run([&](ReplicaContext& replica) {
            odd ? other.make(replica) : floats(4, 4, Reduce::sum)(replica);
          });
          strategy.check();
          ADD_FAILURE() << "nothing was thrown";
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ErrorCode::diverged) << error.what();
          EXPECT_THAT(error.message(), testing::HasSubstr("micro-batches"));
          if (!late) {
            EXPECT_THAT(error.message(), testing::AllOf(at("f32 [4, 4]", "sum"), other.named));
          }
        }
      });
    }
  }
}

}  // namespace
}  // namespace counterpoint
