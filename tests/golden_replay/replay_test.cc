// The replay says no where it must: each test spoils one thing of a case that passes.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "runtime/own_folder.h"

namespace {

using nlohmann::json;
using testing::EndsWith;
using testing::HasSubstr;

struct Outcome {
  int status;
  std::string output;
};

Outcome run(const std::string& arguments) {
  const std::string command = fmt::format("{} {} 2>&1", GOLDEN_REPLAY_PROGRAM, arguments);
  FILE* pipe = popen(command.c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  Outcome outcome;
  std::array<char, 4096> part;
  while (const std::size_t size = fread(part.data(), 1, part.size(), pipe)) {
    outcome.output.append(part.data(), size);
  }
  outcome.status = pclose(pipe);
  return outcome;
}

class ReplayTest : public testing::Test {
 protected:
  ReplayTest() : file_(folder_.path() / "cases.json") {
    std::ifstream(std::string(COUNTERPOINT_GOLDEN_DIR) + "/strategies.json") >> cases_;
    cases_ = json::array({cases_.at(3)});
  }

  json& step(std::size_t index) { return cases_.at(0).at("steps").at(index); }
  int replicas() { return cases_.at(0).at("replicas"); }

  Outcome replay(const std::string& options = {}) {
    std::ofstream(file_) << cases_;
    return run(options + " " + file_.string());
  }
  void expect_failure(const std::string& message) {
    const Outcome outcome = replay();
    EXPECT_NE(outcome.status, 0);
    EXPECT_THAT(outcome.output, HasSubstr(message));
    EXPECT_THAT(outcome.output, EndsWith("\n0 passed, 1 failed, 0 skipped\n"));
  }

  const counterpoint::OwnFolder folder_;  // before the file in it
  const std::filesystem::path file_;
  json cases_;
};

TEST_F(ReplayTest, PassesAsItIs) {
  const Outcome outcome = replay();
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.output, "1 passed, 0 failed, 0 skipped\n");
}

TEST_F(ReplayTest, OneBitOfOneReplica) {
  ASSERT_EQ(step(1).at("op"), "normal");
  ASSERT_GE(replicas(), 2);
  std::string& bits = step(1).at("want").at(1).at(0).get_ref<std::string&>();
  bits.back() = bits.back() == '0' ? '1' : '0';
  expect_failure("step 2 (normal), replica 1: element 0: want " + bits);
}

TEST_F(ReplayTest, State) {
  step(1).at("state").at(0) = 5;
  expect_failure("step 2 (normal): state: want [5, 0, 0]");
}

TEST_F(ReplayTest, AnswerTooShort) {
  step(1).at("want").at(0) = json::array();
  expect_failure("step 2 (normal), replica 0: want 0 elements, got 1");
}

TEST_F(ReplayTest, AnswersOfTooFewReplicas) {
  step(1).at("want").erase(0);
  expect_failure(fmt::format("{} answers for {} replicas", replicas() - 1, replicas()));
}

TEST_F(ReplayTest, NothingToCompareWith) {
  step(1).erase("want");
  expect_failure("nothing to compare with");
}

TEST_F(ReplayTest, UnknownOperation) {
  step(1).at("op") = "cauchy";
  expect_failure("unknown operation 'cauchy'");
}

TEST_F(ReplayTest, UnknownDtype) {
  step(1).at("dtype") = "f8";
  expect_failure("unknown dtype 'f8'");
}

TEST_F(ReplayTest, UnknownPlace) {
  step(1).at("where") = "elsewhere";
  expect_failure("unknown place 'elsewhere'");
}

TEST_F(ReplayTest, UnknownField) {
  step(1)["median"] = 1;
  expect_failure("unknown field 'median'");
}

TEST_F(ReplayTest, UnknownAlgorithm) {
  step(0).at("alg") = "mersenne";
  expect_failure("mersenne");
}

TEST_F(ReplayTest, EveryFailingStepIsPrinted) {
  step(1).at("state").at(0) = 5;
  step(2).at("state").at(0) = 6;
  expect_failure("step 2 (");
  expect_failure("step 3 (");
}

TEST_F(ReplayTest, CaseWithoutSteps) {
  cases_.at(0).at("steps") = json::array();
  expect_failure("has no steps");
}

TEST_F(ReplayTest, NoCases) {
  cases_ = json::array();
  const Outcome outcome = replay();
  EXPECT_NE(outcome.status, 0);
  EXPECT_THAT(outcome.output, EndsWith("0 passed, 0 failed, 0 skipped\n"));
}

TEST_F(ReplayTest, CasesOfAnotherCountAreSkipped) {
  const Outcome outcome = replay(fmt::format("--replicas-per-rank {}", replicas() + 1));
  EXPECT_NE(outcome.status, 0) << "nothing was played";
  EXPECT_THAT(outcome.output, EndsWith("0 passed, 0 failed, 1 skipped\n"));
}

TEST_F(ReplayTest, FilesThatAreNotCases) {
  EXPECT_NE(run("/nowhere.json").status, 0);
  EXPECT_NE(run("").status, 0);
  std::ofstream(file_) << "[{\"name\": 1}]";
  EXPECT_NE(run(file_.string()).status, 0);
  std::ofstream(file_) << "[{";
  EXPECT_NE(run(file_.string()).status, 0);
}

// 2 ULP of the standard normal, before it is scaled, and no more.
TEST_F(ReplayTest, DoubleNormalsMayBeTwoUlpAway) {
  const auto with_want = [&](const std::string& want) {
    cases_ = json::array({{{"name", "f64"}, {"steps", json::array()}}});
    json& steps = cases_.at(0).at("steps");
    steps.push_back({{"op", "from_state"}, {"value", {0, 0, 0}}, {"gen", "g"}});
    steps.push_back({{"op", "normal"},
                     {"dtype", "f64"},
                     {"shape", json::array({1})},
                     {"mean", 0.0},
                     {"stddev", -4.0},
                     {"gen", "g"},
                     {"want", {want}}});
    return replay().status == 0;
  };
  // z is 3fc37470c8dc7da9: see docs/streams.md section 8. -4 z has the same last digits.
  EXPECT_TRUE(with_want("bfe37470c8dc7da9"));
  EXPECT_TRUE(with_want("bfe37470c8dc7da7"));
  EXPECT_TRUE(with_want("bfe37470c8dc7dab"));
  EXPECT_FALSE(with_want("bfe37470c8dc7da6"));
  EXPECT_FALSE(with_want("bfe37470c8dc7dac"));
}

// A seed of more than 64 bits is no double on its way through JSON.
TEST_F(ReplayTest, SeedsOfAnySize) {
  std::ofstream(file_) << R"([{"name": "seeds", "steps": [
      {"op": "from_seed", "seed": [18446744073709551623], "gen": "g", "state": [7, 1, 0]},
      {"op": "reset_from_seed", "seed": [-18446744073709551616], "gen": "g", "state": [0, -1, -1]}
      ]}])";
  const Outcome outcome = run(file_.string());
  EXPECT_EQ(outcome.output, "1 passed, 0 failed, 0 skipped\n");
}

}  // namespace
