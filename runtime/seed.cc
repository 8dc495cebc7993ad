#include "counterpoint/runtime/seed.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1 {
namespace {

// words = words * factor + addend
void multiply_add(std::vector<std::uint64_t>& words, std::uint64_t factor, std::uint64_t addend) {
  unsigned __int128 carry = addend;
  for (std::uint64_t& word : words) {
    carry += static_cast<unsigned __int128>(word) * factor;
    word = static_cast<std::uint64_t>(carry);
    carry >>= 64;
  }
  if (carry != 0) words.push_back(static_cast<std::uint64_t>(carry));
}

void negate(std::vector<std::uint64_t>& words) {
  bool carry = true;
  for (std::uint64_t& word : words) {
    word = ~word + (carry ? 1u : 0u);
    carry = carry && word == 0;
  }
}

}  // namespace

Seed::Seed(std::uint64_t word, bool negative) : negative_(negative), words_{word} {}

Seed::Seed(std::initializer_list<std::int64_t> entries)
    : Seed(std::span<const std::int64_t>(entries.begin(), entries.size())) {}

Seed::Seed(std::span<const std::int64_t> entries) : is_vector_(true) {
  for (const std::int64_t entry : entries) words_.push_back(static_cast<std::uint64_t>(entry));
}

Seed Seed::integer(std::string_view digits) {
  std::string_view rest = digits;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  const bool hexadecimal = rest.starts_with("0x") || rest.starts_with("0X");
  if (hexadecimal) rest.remove_prefix(2);

  Seed seed(0, negative);
  bool valid = !rest.empty();
  for (const char c : rest) {
    const auto byte = static_cast<unsigned char>(c);
    if ((hexadecimal ? std::isxdigit(byte) : std::isdigit(byte)) == 0) {
      valid = false;
      break;
    }
    const int digit = std::isdigit(byte) != 0 ? c - '0' : std::tolower(byte) - 'a' + 10;
    multiply_add(seed.words_, hexadecimal ? 16 : 10, static_cast<std::uint64_t>(digit));
  }
  if (!valid) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("'{}' is not an integer; write decimal digits, or hexadecimal after 0x",
                            digits));
  }
  if (negative) {
    negate(seed.words_);
    // -0 is 0: nothing to extend with ones.
    seed.negative_ = std::ranges::any_of(seed.words_, [](std::uint64_t w) { return w != 0; });
  }
  return seed;
}

std::vector<std::uint64_t> Seed::state_words(int word_count) const {
  const auto count = static_cast<std::size_t>(word_count);
  const std::size_t kept = std::min(count, words_.size());
  std::vector<std::uint64_t> state(count, negative_ ? ~std::uint64_t{0} : 0);
  const std::size_t first = is_vector_ ? count - kept : 0;
  std::copy_n(words_.begin(), kept, state.begin() + static_cast<std::ptrdiff_t>(first));
  return state;
}

}  // namespace counterpoint::inline v1
