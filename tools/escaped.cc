#include "escaped.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

namespace counterpoint::tools {
namespace {

struct Character {
  char32_t code = 0;
  std::size_t length = 0;  // 0 where there is no UTF-8
};

// As the Unicode standard's table 3-7: no overlong forms, no surrogates.
Character character_at(std::string_view text, std::size_t position) {
  const auto byte = [&](std::size_t i) -> char32_t {
    return position + i < text.size() ? static_cast<unsigned char>(text[position + i]) : 0u;
  };
  const char32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return {};
  char32_t code = first & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3f);
  }
  const char32_t least = length == 4 ? 0x10000 : length == 3 ? 0x800 : 0x80;
  if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {};
  return {code, length};
}

bool is_control(char32_t code) { return code < 0x20 || (code >= 0x7f && code < 0xa0); }

// Zero-width characters, separators, and those that change the direction of what follows.
bool is_deceptive(char32_t code) {
  return code == 0xad || code == 0x61c || (code >= 0x200b && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
         code == 0xfeff || (code >= 0xfff9 && code <= 0xfffb) ||
         (code >= 0xe0000 && code <= 0xe0fff);
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string safe;
  for (std::size_t i = 0; i < text.size();) {
    const Character character = character_at(text, i);
    if (character.length == 0 || is_control(character.code)) {
      safe +=
          fmt::format("\\x{:02x}", character.length == 0 ? static_cast<unsigned char>(text[i])
                                                         : static_cast<unsigned>(character.code));
    } else if (is_deceptive(character.code)) {
      safe += fmt::format("\\u{{{:04x}}}", static_cast<unsigned>(character.code));
    } else {
      safe += text.substr(i, character.length);
    }
    i += character.length == 0 ? 1 : character.length;
  }
  return safe;
}

std::string escaped_in_json(std::string_view json) {
  std::string safe;
  for (std::size_t i = 0; i < json.size();) {
    const Character character = character_at(json, i);
    const std::size_t length = std::max<std::size_t>(character.length, 1);
    const auto code = static_cast<unsigned>(character.code);
    if (code == '\n' || !(is_control(code) || is_deceptive(code)) || character.length == 0) {
      safe += json.substr(i, length);
    } else if (code < 0x10000) {
      safe += fmt::format("\\u{:04x}", code);
    } else {
      const unsigned beyond = code - 0x10000;
      safe += fmt::format("\\u{:04x}\\u{:04x}", 0xd800 | beyond >> 10, 0xdc00 | (beyond & 0x3ff));
    }
    i += length;
  }
  return safe;
}

}  // namespace counterpoint::tools
