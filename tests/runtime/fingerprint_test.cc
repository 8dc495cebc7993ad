// What a fingerprint of bytes tells apart: differences of one, two and three bits, of which no structure
// of the data may hide one behind another.
#include "counterpoint/runtime/internal/fingerprint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <numeric>
#include <random>
#include <set>
#include <span>
#include <vector>

namespace counterpoint {
namespace {

constexpr std::size_t kWords = 64;
constexpr std::size_t kBits = kWords * 64;
using Words = std::array<std::uint64_t, kWords>;

std::uint64_t digest(const Words& words) { return fingerprint_of(std::as_bytes(std::span(words))); }

void flip(Words& words, std::size_t bit) { words[bit / 64] ^= std::uint64_t{1} << bit % 64; }

// Copies of one value, zeros, and bits without structure.
std::vector<Words> bases() {
  std::vector<Words> all(3);
  all[0].fill(std::bit_cast<std::uint64_t>(std::array<float, 2>{0.5F, 0.5F}));
  std::mt19937_64 random(1);
  for (std::uint64_t& word : all[2]) word = random();
  return all;
}

TEST(Fingerprint, TellsEveryPairOfBitsFromNone) {
  for (Words words : bases()) {
    const std::uint64_t before = digest(words);
    std::int64_t hidden = 0;
    for (std::size_t a = 0; a < kBits; ++a) {
      flip(words, a);
      hidden += digest(words) == before;
      for (std::size_t b = a + 1; b < kBits; ++b) {
        flip(words, b);
        hidden += digest(words) == before;
        flip(words, b);
      }
      flip(words, a);
    }
    EXPECT_EQ(hidden, 0);
    EXPECT_EQ(digest(words), before);
  }
}

// Signs of floats and of doubles, which training flips together, and triples of any bits.
TEST(Fingerprint, TellsTriplesOfBitsFromNone) {
  for (Words words : bases()) {
    const std::uint64_t before = digest(words);
    std::int64_t hidden = 0;
    const auto look = [&](std::size_t a, std::size_t b, std::size_t c) {
      for (const std::size_t bit : {a, b, c}) flip(words, bit);
      hidden += digest(words) == before;
      for (const std::size_t bit : {a, b, c}) flip(words, bit);
    };
    for (std::size_t a = 31; a < kBits; a += 32) {
      for (std::size_t b = a + 32; b < kBits; b += 32) {
        for (std::size_t c = b + 32; c < kBits; c += 32) look(a, b, c);
      }
    }
    std::mt19937_64 random(2);
    for (int i = 0; i < 2'000'000; ++i) {
      const std::size_t a = random() % kBits;
      const std::size_t b = (a + 1 + random() % (kBits - 1)) % kBits;
      const std::size_t c = (b + 1 + random() % (kBits - 1)) % kBits;
      if (c != a) look(a, b, c);
    }
    EXPECT_EQ(hidden, 0);
  }
}

// Of elements of any size, and whatever their number is modulo the blocks that are taken at once.
TEST(Fingerprint, TellsLengthsAndOrder) {
  std::vector<std::uint8_t> bytes(300);
  std::set<std::uint64_t> seen;
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    seen.insert(fingerprint_of(std::as_bytes(std::span(bytes).first(size))));
  }
  EXPECT_EQ(seen.size(), bytes.size() + 1) << "zeros at the end count";
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  seen.clear();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    ++bytes[at];
    seen.insert(fingerprint_of(std::as_bytes(std::span(bytes))));
    --bytes[at];
  }
  EXPECT_EQ(seen.size(), bytes.size());
  Words words{};
  std::iota(words.begin(), words.end(), 0u);
  seen = {digest(words)};
  for (std::size_t i = 0; i < kWords; ++i) {
    for (std::size_t j = i + 1; j < kWords; ++j) {
      std::swap(words[i], words[j]);
      seen.insert(digest(words));
      std::swap(words[i], words[j]);
    }
  }
  EXPECT_EQ(seen.size(), 1 + kWords * (kWords - 1) / 2);
}

TEST(Fingerprint, OfPartsInAnyOrderIsThatOfTheWhole) {
  constexpr std::size_t kBlock = Fingerprint::block_bytes;
  std::vector<std::byte> bytes(5 * kBlock + 7);
  std::mt19937_64 random(3);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  const std::span<const std::byte> all(bytes);
  Fingerprint last;
  last.add(3 * kBlock, all.subspan(3 * kBlock));
  std::vector<std::byte> copy(bytes.size());
  Fingerprint sum;
  sum.copy(kBlock, all.subspan(kBlock, 2 * kBlock), copy.data() + kBlock);
  sum.merge(last);
  EXPECT_NE(sum.value(), fingerprint_of(all)) << "the first block is missing";
  sum.copy(0, all.first(kBlock), copy.data());
  EXPECT_EQ(sum.value(), fingerprint_of(all));
  EXPECT_TRUE(std::ranges::equal(std::span(copy).first(3 * kBlock), all.first(3 * kBlock)));
}

TEST(Fingerprint, TellsBlocksThatChangePlaces) {
  constexpr std::size_t kBlock = Fingerprint::block_bytes;
  std::vector<std::byte> bytes(8 * kBlock);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i / kBlock);
  std::set<std::uint64_t> seen = {fingerprint_of(bytes)};
  for (std::size_t a = 0; a < 8; ++a) {
    for (std::size_t b = a + 1; b < 8; ++b) {
      std::vector<std::byte> swapped = bytes;
      std::swap_ranges(swapped.begin() + a * kBlock, swapped.begin() + (a + 1) * kBlock,
                       swapped.begin() + b * kBlock);
      seen.insert(fingerprint_of(swapped));
    }
  }
  EXPECT_EQ(seen.size(), 1 + 8 * 7 / 2);
}

}  // namespace
}  // namespace counterpoint
