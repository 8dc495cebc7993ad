// Text that came from outside, made safe for a terminal.
//
//   fmt::print("{}\n", escaped(name));   // "a\x1b[31m" as "a\\x1b[31m"
//
// Thread-safety: pure.
#pragma once

#include <string>
#include <string_view>

namespace counterpoint::tools {

// Control characters, and bytes that are no UTF-8, as \xNN; characters that turn or hide the text
// around them as \u{NNNN}.
std::string escaped(std::string_view text);

// The same characters of a JSON text, line ends aside, as JSON's \uNNNN: it says the same.
std::string escaped_in_json(std::string_view json);

}  // namespace counterpoint::tools
