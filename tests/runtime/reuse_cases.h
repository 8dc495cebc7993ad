// What the tests of reuse share: draws at lines that are known, and what is expected of a second taking.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <source_location>
#include <string>

#include "counterpoint/runtime/call_record.h"
#include "counterpoint/runtime/generator.h"
#include "runtime/expect_error.h"

namespace counterpoint {

using Location = std::source_location;

inline void draw(Generator& g, std::int64_t count, Location at = Location::current()) {
  (void)g.normal<float>({count}, 0.0, 1.0, at);
}

// Expects that `g` draws here what was drawn at `earlier`, is told both lines, and does not move.
inline void expect_reuse(Generator& g, std::int64_t count, const Location& earlier,
                         Location now = Location::current()) {
  const std::string before = g.to_string();
  expect_error(ErrorCode::failed_precondition,
               {"taken before, by normal at " + location_to_string(earlier),
                "at " + location_to_string(now)},
               [&] { draw(g, count, now); });
  EXPECT_EQ(g.to_string(), before);
}

}  // namespace counterpoint
