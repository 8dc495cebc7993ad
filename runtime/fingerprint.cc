#include "counterpoint/runtime/internal/fingerprint.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "counterpoint/runtime/call_record.h"

namespace counterpoint::inline v1 {
namespace {

using Word = std::uint64_t;

// One-to-one in what came before and in the word. Twice, since one multiplication keeps a difference in
// a high bit alone there, for the next word to take away: many a sign that differs does.
constexpr Word mixed(Word lane, Word word) {
  Word x = (lane ^ word) * 0x9fb21c651e98df25u;
  x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
  return x ^ x >> 29;
}

}  // namespace

// Several sums at once, since one alone would wait for its own multiplications.
std::uint64_t fingerprint_of(std::span<const std::byte> bytes) noexcept {
  constexpr std::size_t kLanes = 8;
  std::array<Word, kLanes> lanes{};
  for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] = mixed(0, lane + 1);
  std::size_t at = 0;
  for (; at + sizeof lanes <= bytes.size(); at += sizeof lanes) {
    std::array<Word, kLanes> words;
    std::memcpy(words.data(), bytes.data() + at, sizeof words);
    for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] = mixed(lanes[lane], words[lane]);
  }
  for (std::size_t lane = 0; at < bytes.size(); at += sizeof(Word), ++lane) {
    Word word = 0;  // the last one filled up with zeros
    std::memcpy(&word, bytes.data() + at, std::min(sizeof word, bytes.size() - at));
    lanes[lane] = mixed(lanes[lane], word);
  }
  Word digest = bytes.size();
  for (const Word lane : lanes) digest = mix_digest(digest, lane);
  return digest;
}

}  // namespace counterpoint::inline v1
