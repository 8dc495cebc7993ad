// A seed as TensorFlow reads it: one integer of any size, or a vector of integers.
//
//   cp::Generator::from_seed(1);                    // state 1, 0, 0: it lands in the counter
//   cp::Generator::from_seed({1, 2});               // state 0, 1, 2: padded on the left
//   cp::Generator::from_seed(cp::Seed::integer("-340282366920938463463374607431768211456"));
//
// Small integers land in the counter with key 0, so from_seed(1) and from_seed(257) overlap after
// one draw, as in TensorFlow; vectors of three entries choose the key. Thread-safety: values.
// Source: docs/streams.md section 3.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "counterpoint/kernels/export.h"

namespace counterpoint::inline v1 {

class COUNTERPOINT_PUBLIC Seed {
 public:
  template <std::integral T>
  Seed(T value)  // NOLINT(google-explicit-constructor)
      : Seed(static_cast<std::uint64_t>(value), value < T{0}) {}
  Seed(std::initializer_list<std::int64_t> entries);  // NOLINT(google-explicit-constructor)
  Seed(std::span<const std::int64_t> entries);        // NOLINT(google-explicit-constructor)
  Seed(const std::vector<std::int64_t>& entries)      // NOLINT(google-explicit-constructor)
      : Seed(std::span<const std::int64_t>(entries)) {}

  // An integer of any size, in decimal or, after "0x", hexadecimal digits.
  // Errors: invalid_argument for anything else.
  static Seed integer(std::string_view digits);

  // The state that this seed gives: `word_count` words, counter first, key last.
  std::vector<std::uint64_t> state_words(int word_count) const;

 private:
  Seed(std::uint64_t word, bool negative);

  bool is_vector_ = false;
  bool negative_ = false;             // integers: the words above are all ones
  std::vector<std::uint64_t> words_;  // integers: two's complement, least significant first
};

}  // namespace counterpoint::inline v1
