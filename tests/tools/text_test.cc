// Text that the command writes: escaped names, elements, the progress bar.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "../../tools/distributions.h"
#include "../../tools/element_text.h"
#include "../../tools/escaped.h"
#include "../../tools/exit_codes.h"
#include "../../tools/progress.h"
#include "../../tools/stream_source.h"

namespace {

namespace cp = counterpoint;
namespace tools = counterpoint::tools;

TEST(Escaped, LeavesTextAlone) {
  for (const char* text : {"", "noise", "a b \"c\" \\", "\u03b1\u03b2 \u6a21\u578b \U0001f3b5"}) {
    EXPECT_EQ(tools::escaped(text), text);
  }
}

TEST(Escaped, ShowsWhatWouldSteerATerminal) {
  EXPECT_EQ(tools::escaped("a\x1b[31m\n\t\x7f"), "a\\x1b[31m\\x0a\\x09\\x7f");
  EXPECT_EQ(tools::escaped(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(tools::escaped("\u009b31m"), "\\x9b31m");              // a C1 control in UTF-8
  EXPECT_EQ(tools::escaped("\u202egpj.exe"), "\\u{202e}gpj.exe");  // right to left
  EXPECT_EQ(tools::escaped("a\u200bb"), "a\\u{200b}b");            // of no width
}

TEST(Escaped, ShowsBytesThatAreNoText) {
  EXPECT_EQ(tools::escaped("\xff"), "\\xff");
  EXPECT_EQ(tools::escaped("\xc3"), "\\xc3");                             // cut off
  EXPECT_EQ(tools::escaped("\xc0\x80"), "\\xc0\\x80");                    // overlong
  EXPECT_EQ(tools::escaped("\xe0\x80\x80"), "\\xe0\\x80\\x80");           // overlong
  EXPECT_EQ(tools::escaped("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // a surrogate
  EXPECT_EQ(tools::escaped("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // beyond Unicode
}

TEST(EscapedInJson, SaysTheSame) {
  const nlohmann::json json = {{"a\u202e\x1b\x7f", "\u009b31m \u03b1 \U000e0001 \\ \" \n"}};
  const std::string safe = tools::escaped_in_json(json.dump(2));
  EXPECT_EQ(
      safe,
      "{\n  \"a\\u202e\\u001b\\u007f\": \"\\u009b31m \u03b1 \\udb40\\udc01 \\\\ \\\" \\n\"\n}");
  EXPECT_EQ(nlohmann::json::parse(safe), json);
}

TEST(ElementText, TellsFloatsApart) {
  const auto f32 = cp::Tensor::from<float>({0.1f, 1e-45f, -0.0f, 16777216.0f}, {4});
  EXPECT_EQ(tools::element_text(f32, 0), "0.1");
  EXPECT_EQ(tools::element_text(f32, 1), "1e-45");
  EXPECT_EQ(tools::element_text(f32, 2), "-0");
  EXPECT_EQ(tools::element_text(f32, 3), "16777216");
  const auto u64 =
      cp::Tensor::from<std::uint64_t>({std::numeric_limits<std::uint64_t>::max()}, {1});
  EXPECT_EQ(tools::element_text(u64, 0), "18446744073709551615");
  EXPECT_EQ(tools::element_json(u64, 0).dump(), "18446744073709551615");
  EXPECT_EQ(tools::element_json(f32, 0).dump(), "0.1");
  const auto nan = cp::Tensor::scalar(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(tools::element_json(nan, 0), "nan");
  EXPECT_EQ(tools::position_text({3, 4}, 6), "[1, 2]");
  EXPECT_EQ(tools::position_text({}, 0), "");
}

TEST(Arguments, AreReadAsCppWould) {
  EXPECT_THAT(tools::integers("state", "1, -2,18446744073709551615"),
              testing::ElementsAre(1, -2, -1));
  EXPECT_THAT(tools::integers("seed", "[7]"), testing::ElementsAre(7));
  EXPECT_THAT(tools::integers("seed", "7,"), testing::ElementsAre(7));
  EXPECT_THAT(tools::integers("shape", "[]"), testing::IsEmpty());
  for (const char* text : {"x", "1.5", "1,,2", ",", "18446744073709551616", "1e3"}) {
    EXPECT_THROW(tools::integers("state", text), tools::UsageError) << text;
  }
  EXPECT_EQ(tools::replica_range("3").end, 4);
  EXPECT_EQ(tools::replica_range("2:8").first, 2);
  for (const char* text : {"", ":", "-1", "8:8", "9:8", "0:", "1:2:3", "x", "0:99999999"}) {
    EXPECT_THROW(tools::replica_range(text), tools::UsageError) << text;
  }
}

TEST(ProgressLine, SaysHowMuchIsDone) {
  EXPECT_EQ(tools::Progress::line(0, 1000, 1.0),
            "[>                             ]   0 %, 0.0/s, 1000 s left");
  EXPECT_EQ(tools::Progress::line(500'000'000, 1'000'000'000, 5.0),
            "[###############>              ]  50 %, 100 M/s, 5 s left");
  EXPECT_EQ(tools::Progress::line(1000, 1000, 1.0),
            "[##############################] 100 %, 1.0 k/s, 0 s left");
  EXPECT_EQ(tools::Progress::line(1'200'000, 0, 1.0), "1.2 M elements, 1.2 M/s");
}

}  // namespace
