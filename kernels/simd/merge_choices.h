// Which candidates of two blocks fill a group of truncated normals, by which of them were rejected.
//
//   const MergeChoice<4>& choice = kMergeChoices<4>[rejected];   // bit i: candidate i was rejected
//   if (choice.enough) value[i] = candidates[choice.from[i]];
//
// Internal; constants.
#pragma once

#include <array>
#include <cstdint>

namespace counterpoint::inline v1::kernels {

template <std::uint64_t kSize>
struct MergeChoice {
  std::uint8_t from[kSize];
  bool enough;
};

template <std::uint64_t kSize>
constexpr auto merge_choices() {
  std::array<MergeChoice<kSize>, std::size_t{1} << (2 * kSize)> choices{};
  for (std::size_t rejected = 0; rejected < choices.size(); ++rejected) {
    std::uint64_t kept = 0;
    for (std::uint8_t i = 0; i < 2 * kSize && kept < kSize; ++i) {
      if ((rejected >> i & 1) == 0) choices[rejected].from[kept++] = i;
    }
    choices[rejected].enough = kept == kSize;
  }
  return choices;
}

template <std::uint64_t kSize>
inline constexpr auto kMergeChoices = merge_choices<kSize>();

}  // namespace counterpoint::inline v1::kernels
