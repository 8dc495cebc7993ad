// What a message says of two calls that differ: each side so that they can be told apart, and where a call
// too many hides among calls that are alike.
#include <gtest/gtest.h>

#include <functional>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

#include "counterpoint/runtime/sharded_draws.h"
#include "strategy/scenario_parts.h"

namespace counterpoint {
namespace {

// The calls that a message names, in order, without their numbers and where they were made.
std::vector<std::string> calls_in(const std::string& message) {
  static const std::regex pattern(
      R"((?:call \d+: |is at )(\w+ \w+ \[[^\]]*\](?: of [^;]*?)?) at scenarios_messages\.cc:\d+( \([^)]*\))?)");
  std::vector<std::string> calls;
  for (std::sregex_iterator at(message.begin(), message.end(), pattern), end; at != end; ++at) {
    calls.push_back((*at)[1].str() + (*at)[2].str());
  }
  return calls;
}

struct Parts {
  ReplicaContext& replica;
  Generator& noise;
  Generator& other;
  MirroredVariable& weights;
  MirroredVariable& biases;
};

// The same thing done by all, and by the odd one with one thing changed.
struct Kind {
  const char* name;
  std::function<void(Parts&, bool odd)> call;
};

void reduce(Parts& parts, std::size_t count, Reduce by) {
  std::vector<float> values(count);
  parts.replica.all_reduce(values, by);
}

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {
      {"operation",
       [](Parts& p, bool odd) {
         if (odd) {
           (void)p.noise.truncated_normal<float>({2});
         } else {
           (void)p.noise.normal<float>({2});
         }
       }},
      {"dtype",
       [](Parts& p, bool odd) {
         if (odd) {
           (void)p.noise.normal<double>({2});
         } else {
           (void)p.noise.normal<float>({2});
         }
       }},
      {"first_length",
       [](Parts& p, bool odd) {
         (void)p.noise.normal<float>({odd ? 3 : 2, 4});
       }},
      {"later_length",
       [](Parts& p, bool odd) {
         (void)p.noise.normal<float>({2, 4, odd ? 3 : 2});
       }},
      {"mean", [](Parts& p, bool odd) { (void)p.noise.normal<float>({2}, odd ? 0.1 : 0.2); }},
      {"stddev",
       [](Parts& p, bool odd) { (void)p.noise.normal<float>({2}, 0.0, odd ? 2.0 : 1.0); }},
      {"integer_bound",
       [](Parts& p, bool odd) { (void)p.noise.uniform<int>({2}, -3, odd ? 9 : 8); }},
      {"tensor_parameter",
       [](Parts& p, bool odd) {
         const Tensor scales =
             odd ? Tensor::from<float>({1, 2}, {1, 2}) : Tensor::from<float>({1, 2}, {2});
         (void)p.noise.normal<float>({2, 2}, 0.0, scales);
       }},
      {"tensor_or_number",
       [](Parts& p, bool odd) {
         if (odd) {
           (void)p.noise.normal<float>({2}, Tensor::from<float>({1}, {1}));
         } else {
           (void)p.noise.normal<float>({2}, 1.0);
         }
       }},
      {"binomial",
       [](Parts& p, bool odd) { (void)p.noise.binomial<int>({2}, 10, odd ? 0.5 : 0.25); }},
      {"generator", [](Parts& p, bool odd) { (void)(odd ? p.other : p.noise).normal<float>({2}); }},
      {"variable",
       [](Parts& p, bool odd) {
         (odd ? p.biases : p.weights).assign(std::vector<float>{1, 2});
       }},
      {"skip", [](Parts& p, bool odd) { p.noise.skip(odd ? 3 : 2); }},
      {"reset", [](Parts& p, bool odd) { p.noise.reset_from_seed(odd ? 3 : 2); }},
      {"split", [](Parts& p, bool odd) { (void)p.noise.split(odd ? 3 : 2); }},
      {"split_separated",
       [](Parts& p, bool odd) { (void)(odd ? p.noise.split_separated(2) : p.noise.split(2)); }},
      {"sharded",
       [](Parts& p, bool odd) {
         if (odd) {
           (void)p.noise.sharded().normal<float>({2});
         } else {
           (void)p.noise.normal<float>({2});
         }
       }},
      {"reduction", [](Parts& p, bool odd) { reduce(p, 2, odd ? Reduce::max : Reduce::sum); }},
      {"reduced_length", [](Parts& p, bool odd) { reduce(p, odd ? 3 : 2, Reduce::sum); }},
  };
  return all;
}

void sides_read_differently(const World& world, int replicas_per_rank) {
  for (const Kind& kind : kinds()) {
    MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
    if (strategy.num_replicas_in_sync() == 1) return;
    const auto scope = strategy.scope();
    auto noise = Generator::from_seed(1, {.name = "noise"});
    auto other = Generator::from_seed(2, {.name = "other"});
    auto weights = strategy.variable<float>({2}, "weights");
    auto biases = strategy.variable<float>({2}, "biases");
    const std::string message = message_of([&] {
      strategy.run([&](ReplicaContext& replica) {
        Parts parts{replica, noise, other, weights, biases};
        kind.call(parts, is_last(replica));
      });
      strategy.check();
    });
    const std::vector<std::string> calls = calls_in(message);
    ASSERT_GE(calls.size(), 2U) << kind.name << ": " << message;
    EXPECT_NE(calls[0], calls[1]) << kind.name << ": " << message;
  }
}

// Between draws that are alike, the one too many shows by its line alone.
void one_too_many_of_many(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
  if (strategy.num_replicas_in_sync() == 1) return;
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1, {.name = "noise"});
  const std::string message = message_of([&] {
    strategy.run([&](ReplicaContext& replica) {
      for (int i = 0; i < 3; ++i) {
        (void)noise.normal<float>({2});
        if (is_last(replica) && i == 1) (void)noise.normal<float>({2});
      }
      (void)noise.uniform<float>({2});
    });
    strategy.check();
  });
  const int line = __LINE__ - 6;  // of the one too many
  const std::string file = "scenarios_messages.cc:";
  const auto at = [&](int number) { return file + std::to_string(number); };
  // One side has gone on to the uniform draw when the other makes its last normal one.
  EXPECT_THAT(message, testing::HasSubstr("call 4: uniform f32 [2] of generator 'noise' at " +
                                          at(line + 2)));
  EXPECT_THAT(message,
              testing::HasSubstr("call 4: normal f32 [2] of generator 'noise' at " + at(line - 1)));
  EXPECT_THAT(message, testing::HasSubstr("perhaps a call too many"));
  EXPECT_THAT(message,
              testing::HasSubstr("call 3: normal f32 [2] of generator 'noise' at " + at(line)));
}

// A draw that replicas share says so, and keeps its parameters.
void shared_draws_read_as_they_are(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
  if (strategy.num_replicas_in_sync() == 1) return;
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1, {.name = "noise"});
  const std::string message = message_of([&] {
    strategy.run([&](ReplicaContext& replica) {
      (void)noise.sharded().normal<float>({4}, 0.0, is_last(replica) ? 2.0 : 1.0);
    });
    strategy.check();
  });
  EXPECT_THAT(
      calls_in(message),
      testing::ElementsAre("normal f32 [4] of generator 'noise' (sharded) (mean 0, stddev 1)",
                           "normal f32 [4] of generator 'noise' (sharded) (mean 0, stddev 2)"));
}

// Lines that differed in runs that were alike are no evidence.
void other_lines_are_no_fault(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
  if (strategy.num_replicas_in_sync() == 1) return;
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1, {.name = "noise"});
  strategy.run([&](ReplicaContext& replica) {
    if (is_last(replica)) {
      (void)noise.normal<float>({2});
    } else {
      (void)noise.normal<float>({2});
    }
  });
  strategy.check();
  const std::string message = message_of([&] {
    strategy.run([&](ReplicaContext& replica) {
      (void)noise.normal<float>({2});
      if (is_last(replica)) (void)noise.uniform<float>({2});
    });
    strategy.check();
  });
  EXPECT_THAT(message, testing::HasSubstr("uniform f32 [2]"));
  EXPECT_THAT(message, testing::Not(testing::HasSubstr("perhaps")));
}

// A replica that entered by itself and is left by an exception: every rank is told which, where it was,
// and why, if it says so.
void left_by_an_exception(const World& world, int replicas_per_rank) {
  if (replicas_per_rank != 1 || world->size() == 1) return;
  for (const bool told : {false, true}) {
    MirroredStrategy strategy(world, quiet_options(1));
    const auto scope = strategy.scope();
    auto noise = Generator::from_seed(1, {.name = "noise"});
    const int last = world->size() - 1;
    const auto train = [&] {
      auto replica = strategy.enter_replica();
      (void)noise.normal<float>({2});
      if (replica->replica_id() != last) return;
      if (told) replica.fail("the data set is gone");
      throw std::runtime_error("the data set is gone");
    };
    try {
      train();
    } catch (const std::runtime_error&) {
      EXPECT_EQ(world->rank(), last);
    }
    const std::string who = std::to_string(last);
    const bool culprit = world->rank() == last;
    expect_error(culprit ? ErrorCode::failed_precondition : ErrorCode::aborted,
                 {"replica " + who + " on rank " + who +
                      ", the last call of which is call 1: normal f32 [2] " +
                      "of generator 'noise' at scenarios_messages.cc:",
                  told ? ": the data set is gone" : ": left by an exception"},
                 [&] { strategy.check(); });
  }
}

}  // namespace

std::vector<Scenario> message_scenarios() {
  return {{"sides_read_differently", sides_read_differently},
          {"one_too_many_of_many", one_too_many_of_many},
          {"shared_draws_read_as_they_are", shared_draws_read_as_they_are},
          {"other_lines_are_no_fault", other_lines_are_no_fault},
          {"left_by_an_exception", left_by_an_exception}};
}

}  // namespace counterpoint
