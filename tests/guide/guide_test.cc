// The programs of examples/guide print what their headers say, and the numbers in it are, to the
// bit, what TensorFlow prints in its guide (tests/golden/guide.json). Floats are printed with the
// digits that tell them apart, so the bits can be read back from them.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "runtime/own_folder.h"

namespace {

using Lines = std::vector<std::string>;
// A record of guide.json: its section and what it is.
using Record = std::pair<std::string, std::string>;

Lines lines_of(std::istream& stream) {
  Lines lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

Lines run(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  std::string output;
  std::array<char, 4096> part;
  while (const std::size_t size = fread(part.data(), 1, part.size(), pipe)) {
    output.append(part.data(), size);
  }
  EXPECT_EQ(pclose(pipe), 0) << command << '\n' << output;
  std::istringstream stream(output);
  return lines_of(stream);
}

std::string program(const std::string& name) {
  return fmt::format("'{}/{}'", GUIDE_PROGRAM_DIR, name);
}

// What the header says after a line with "rints", indented by three.
Lines promised_output(const std::string& name) {
  std::ifstream source(fmt::format("{}/examples/guide/{}.cc", COUNTERPOINT_SOURCE_DIR, name));
  Lines lines;
  bool found = false;
  for (const std::string& line : lines_of(source)) {
    if (!line.starts_with("//")) break;
    if (found && line.starts_with("//   ")) lines.push_back(line.substr(5));
    if (line.find("rint") != std::string::npos && line.ends_with(":")) found = true;
  }
  EXPECT_FALSE(lines.empty()) << name << " promises nothing";
  return lines;
}

bool has_wildcard(const std::string& line) { return line.find("...") != std::string::npos; }

bool matches(const std::string& line, const std::string& promised) {
  if (!has_wildcard(promised)) return line == promised;
  static const std::regex special(R"([.^$|()\[\]{}*+?\\])");
  const std::string escaped = std::regex_replace(promised, special, R"(\$&)");
  return std::regex_match(
      line, std::regex(std::regex_replace(escaped, std::regex(R"((\\\.){3})"), ".+")));
}

// The floats in lines that are the same in every run.
std::vector<std::uint32_t> bits_printed(const Lines& lines, const Lines& promised) {
  static const std::regex number(R"(-?[0-9]+\.[0-9]*(e[-+][0-9]+)?)");
  std::vector<std::uint32_t> bits;
  for (std::size_t i = 0; i < lines.size() && i < promised.size(); ++i) {
    if (has_wildcard(promised[i])) continue;
    for (std::sregex_iterator it(lines[i].begin(), lines[i].end(), number), end; it != end; ++it) {
      bits.push_back(std::bit_cast<std::uint32_t>(std::strtof(it->str().c_str(), nullptr)));
    }
  }
  return bits;
}

std::vector<std::uint32_t> bits_recorded(const std::vector<Record>& records) {
  nlohmann::json guide;
  std::ifstream(std::string(COUNTERPOINT_GOLDEN_DIR) + "/guide.json") >> guide;
  std::vector<std::uint32_t> bits;
  for (const Record& record : records) {
    bool found = false;
    for (const nlohmann::json& entry : guide) {
      if (entry.at("section") != record.first || entry.at("what") != record.second) continue;
      found = true;
      for (const nlohmann::json& value : entry.at("want").flatten()) {
        bits.push_back(
            static_cast<std::uint32_t>(std::stoul(value.get<std::string>(), nullptr, 16)));
      }
    }
    EXPECT_TRUE(found) << record.first << ": " << record.second << " is not in guide.json";
  }
  return bits;
}

void check(const std::string& name, const Lines& output, const std::vector<Record>& records) {
  const Lines promised = promised_output(name);
  ASSERT_EQ(output.size(), promised.size());
  for (std::size_t i = 0; i < output.size(); ++i) {
    EXPECT_TRUE(matches(output[i], promised[i])) << "line " << i + 1 << " is\n"
                                                 << output[i] << "\nand not\n"
                                                 << promised[i];
  }
  const std::vector<std::uint32_t> recorded = bits_recorded(records);
  ASSERT_FALSE(recorded.empty());
  EXPECT_EQ(bits_printed(output, promised), recorded);
}

// A file of the test's own that is gone afterwards.
class GuideTest : public testing::Test {
 protected:
  std::string file() const { return folder_.file("guide.h5"); }

 private:
  const counterpoint::OwnFolder folder_;
};

const std::vector<Record> kStrategyCheckpointSaved = {
    {"checkpoint in a strategy", "before the save"},
    {"checkpoint in a strategy", "after the save, first"},
    {"checkpoint in a strategy", "after the save, second"},
};
const std::vector<Record> kThreeFromTwo = {
    {"checkpoint, three replicas from two", "after the restore, first"},
    {"checkpoint, three replicas from two", "after the restore, second"},
};

std::vector<Record> joined(std::vector<Record> records, const std::vector<Record>& more) {
  records.insert(records.end(), more.begin(), more.end());
  return records;
}

TEST_F(GuideTest, Generators) {
  check("generators", run(program("generators")),
        {{"generator", "from_seed(1).normal([2, 3])"},
         {"generator", "normal([]) after from_seed(1)"},
         {"generator", "the next"},
         {"generator", "after reset_from_seed(1)"}});
}

TEST_F(GuideTest, Splitting) {
  check("splitting", run(program("splitting")),
        {{"split", "g.normal([])"},
         {"split", "child 0 of g.split(3)"},
         {"split", "child 1 of g.split(3)"},
         {"split", "child 2 of g.split(3)"},
         {"split", "g.normal([]) after the split"}});
}

TEST_F(GuideTest, Stateless) {
  const char* const what = "stateless_normal([2, 3], seed=[1, 2]), each time";
  check("stateless", run(program("stateless")), {{"stateless", what}, {"stateless", what}});
}

TEST_F(GuideTest, Algorithms) {
  const std::vector<Record> each_name(4, {"generator", "normal([]) after from_seed(1)"});
  check("algorithms", run(program("algorithms")), each_name);
}

TEST_F(GuideTest, StrategyOutside) {
  check("strategy_outside", run(program("strategy_outside")),
        {{"strategy, made outside", "what the two replicas draw, in order"}});
}

TEST_F(GuideTest, StrategyInScope) {
  check("strategy_in_scope", run(program("strategy_in_scope")),
        {{"strategy, made in scope", "run 1"}, {"strategy, made in scope", "run 2"}});
}

TEST_F(GuideTest, StrategyInsideRun) {
  check("strategy_inside_run", run(program("strategy_inside_run")),
        {{"strategy, made inside run", "run 1"}, {"strategy, made inside run", "run 2"}});
}

TEST_F(GuideTest, CheckpointPlain) {
  check("checkpoint_plain", run(program("checkpoint_plain") + " " + file()),
        {{"checkpoint", "before the save"},
         {"checkpoint", "after the save, first"},
         {"checkpoint", "after the save, second"},
         {"checkpoint", "after the restore into the same object, first"},
         {"checkpoint", "after the restore into the same object, second"}});
}

TEST_F(GuideTest, CheckpointInStrategy) {
  check("checkpoint_in_strategy", run(program("checkpoint_in_strategy") + " " + file()),
        joined(kStrategyCheckpointSaved,
               {{"checkpoint in a strategy", "after the restore into the same object, first"},
                {"checkpoint in a strategy", "after the restore into the same object, second"}}));
}

TEST_F(GuideTest, CheckpointThreeFromTwo) {
  check("checkpoint_three_from_two", run(program("checkpoint_three_from_two") + " " + file()),
        joined(kStrategyCheckpointSaved, kThreeFromTwo));
}

class TwoLaunches : public GuideTest {
 protected:
  // `launcher` has a place for the number of ranks.
  void check_launches(const std::string& first_launcher, const std::string& second_launcher) {
    const std::string name = "checkpoint_two_launches";
    Lines output = run(fmt::format("{} {} save {}", first_launcher, program(name), file()));
    for (const std::string& line :
         run(fmt::format("{} {} restore {}", second_launcher, program(name), file()))) {
      output.push_back(line);
    }
    check(name, output, joined(kStrategyCheckpointSaved, kThreeFromTwo));
  }
};

TEST_F(TwoLaunches, Threads) { check_launches("", ""); }

TEST_F(TwoLaunches, Ranks) { check_launches(GUIDE_LAUNCHER " -n 2", GUIDE_LAUNCHER " -n 3"); }

TEST_F(TwoLaunches, RanksThenThreads) { check_launches(GUIDE_LAUNCHER " -n 2", ""); }

}  // namespace
