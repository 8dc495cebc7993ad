#include "counterpoint/runtime/internal/fingerprint.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "counterpoint/runtime/call_record.h"

namespace counterpoint::inline v1 {

// Several sums at once, since one alone would wait for its own multiplications. Each step is
// one-to-one in what came before, so that a single word that differs is always seen.
std::uint64_t fingerprint_of(std::span<const std::byte> bytes) noexcept {
  using Word = std::uint64_t;
  constexpr Word kOdd = 0x9fb21c651e98df25u;
  constexpr std::size_t kLanes = 8;
  std::array<Word, kLanes> lanes{};
  for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] = lane + 1;
  std::size_t at = 0;
  for (; at + sizeof lanes <= bytes.size(); at += sizeof lanes) {
    std::array<Word, kLanes> words;
    std::memcpy(words.data(), bytes.data() + at, sizeof words);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] = (lanes[lane] ^ words[lane]) * kOdd;
      lanes[lane] ^= lanes[lane] >> 32;
    }
  }
  Word digest = bytes.size();
  for (; at < bytes.size(); at += sizeof(Word)) {
    Word word = 0;  // the last one filled up with zeros
    std::memcpy(&word, bytes.data() + at, std::min(sizeof word, bytes.size() - at));
    digest = mix_digest(digest, word);
  }
  for (const Word lane : lanes) digest = mix_digest(digest, lane);
  return digest;
}

}  // namespace counterpoint::inline v1
