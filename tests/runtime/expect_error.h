// Expecting a cp::Error of a code, with words in its message.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "counterpoint/runtime/error.h"

namespace counterpoint {

// Runs `call`; fails unless it throws an Error of `code` whose message contains each of `words`.
template <class Call>
void expect_error(ErrorCode code, std::initializer_list<std::string> words, Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error_code_name(error.code()), error_code_name(code)) << error.what();
    for (const std::string& word : words) EXPECT_THAT(error.message(), testing::HasSubstr(word));
    return;
  }
  ADD_FAILURE() << "nothing was thrown; expected " << error_code_name(code);
}

}  // namespace counterpoint
