#include "counterpoint/checkpoint/internal/sha256_pair.h"

#include <array>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace counterpoint::inline v1::checkpoint_internal {

#if defined(__x86_64__)

namespace {

constexpr std::size_t block_bytes = 64;

// Fractional parts of the cube roots of the first 64 primes.
alignas(16) constexpr std::array<std::uint32_t, 64> round_constants = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// One message: its state as the instructions want it, words a b e f and c d g h from the highest.
struct Lane {
  __m128i abef;
  __m128i cdgh;
  __m128i words[4];  // the last 16 of the message schedule
};

// Four rounds of a block, whose bytes are at `block` in the first four steps.
[[gnu::target("sha,sse4.1,ssse3")]] inline void four_rounds(Lane& lane, const std::byte* block,
                                                            int step) {
  const auto word = [&](int i) -> __m128i& { return lane.words[i & 3]; };
  if (step < 4) {
    const __m128i swapped = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    const auto* const from = reinterpret_cast<const __m128i*>(block + 16 * step);
    word(step) = _mm_shuffle_epi8(_mm_loadu_si128(from), swapped);
  } else {
    const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(word(step), word(step + 1)),
                                      _mm_alignr_epi8(word(step + 3), word(step + 2), 4));
    word(step) = _mm_sha256msg2_epu32(sum, word(step + 3));
  }
  const auto* const constants = reinterpret_cast<const __m128i*>(round_constants.data());
  const __m128i keyed = _mm_add_epi32(word(step), _mm_load_si128(constants + step));
  lane.cdgh = _mm_sha256rnds2_epu32(lane.cdgh, lane.abef, keyed);
  lane.abef = _mm_sha256rnds2_epu32(lane.abef, lane.cdgh, _mm_shuffle_epi32(keyed, 0x0e));
}

[[gnu::target("sha,sse4.1,ssse3")]] inline void compress(std::array<Lane, 2>& lanes,
                                                         const std::byte* first,
                                                         const std::byte* second) {
  const std::array<Lane, 2> before = lanes;
#pragma GCC unroll 16
  for (int step = 0; step < 16; ++step) {
    four_rounds(lanes[0], first, step);
    four_rounds(lanes[1], second, step);
  }
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    lanes[i].abef = _mm_add_epi32(lanes[i].abef, before[i].abef);
    lanes[i].cdgh = _mm_add_epi32(lanes[i].cdgh, before[i].cdgh);
  }
}

Digest digest_of(const std::array<std::uint32_t, 8>& words) {
  Digest digest;
  constexpr std::array<std::size_t, 8> order = {3, 2, 7, 6, 1, 0, 5, 4};
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::uint32_t word = __builtin_bswap32(words[order[i]]);
    std::memcpy(digest.data() + 4 * i, &word, sizeof(word));
  }
  return digest;
}

}  // namespace

bool has_sha256_pair() {
  static const bool has = [] {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0) return false;
    if ((ecx & bit_SSSE3) == 0 || (ecx & bit_SSE4_1) == 0) return false;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ebx & bit_SHA) != 0;
  }();
  return has;
}

[[gnu::target("sha,sse4.1,ssse3")]] void Sha256Pair::update(std::span<const std::byte> first,
                                                            std::span<const std::byte> second) {
  std::array<Lane, 2> lanes;
  static_assert(sizeof(Words) == 2 * sizeof(__m128i));
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    std::memcpy(&lanes[i].abef, state_[i].data(), sizeof(__m128i));
    std::memcpy(&lanes[i].cdgh, state_[i].data() + 4, sizeof(__m128i));
  }
  for (std::size_t begin = 0; begin < first.size(); begin += block_bytes) {
    compress(lanes, first.data() + begin, second.data() + begin);
  }
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    std::memcpy(state_[i].data(), &lanes[i].abef, sizeof(__m128i));
    std::memcpy(state_[i].data() + 4, &lanes[i].cdgh, sizeof(__m128i));
  }
  bytes_ += first.size();
}

std::array<Digest, 2> Sha256Pair::finish() {
  std::array<std::byte, block_bytes> padding{std::byte{0x80}};
  const std::uint64_t bits = __builtin_bswap64(bytes_ * 8);
  std::memcpy(padding.data() + block_bytes - sizeof(bits), &bits, sizeof(bits));
  update(padding, padding);
  const std::array<Digest, 2> digests = {digest_of(state_[0]), digest_of(state_[1])};
  *this = {};
  return digests;
}

#else

bool has_sha256_pair() { return false; }
void Sha256Pair::update(std::span<const std::byte>, std::span<const std::byte>) {}
std::array<Digest, 2> Sha256Pair::finish() { return {}; }

#endif

}  // namespace counterpoint::inline v1::checkpoint_internal
