// How operations live beside each other, and what a communicator refuses.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "counterpoint/runtime/error.h"
#include "runtime/communicator_scenarios.h"
#include "runtime/rank_values.h"

namespace counterpoint {
namespace {

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
  expect_invalid([&] { ranks.start_broadcast_in_place(buffer, 0, nullptr); }, "its owner");
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
    {"SeveralOperationsUnderWay", several_operations_under_way},
    {"DroppedWorkDisturbsNobody", dropped_work_disturbs_nobody},
    {"DuplicatesDoNotMeet", duplicates_do_not_meet},
    {"WrongCallsStartNothing", wrong_calls_start_nothing},
    {"DescribesItself", describes_itself},
};

}  // namespace

std::span<const Scenario> work_scenarios() { return scenarios; }

}  // namespace counterpoint
