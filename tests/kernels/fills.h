// Helpers of the kernels' tests: draws as vectors, bytes, digests and ULP distances.
#pragma once

#include <openssl/evp.h>

#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "counterpoint/kernels/stream_definition.h"

namespace counterpoint::kernels_test {

using kernels::Distribution;
using kernels::Fill;
using kernels::StreamDefinition;

// Runs `fill` into a fresh vector of `count` elements from `first` on.
template <class T>
std::vector<T> draw(const StreamDefinition& stream, Fill fill, std::uint64_t first,
                    std::uint64_t count) {
  std::vector<T> out(count);
  fill.dtype = dtype_of<T>;
  fill.first_element = first;
  fill.count = count;
  fill.output = out.data();
  stream.fill(fill);
  return out;
}

// The same as bytes, for any dtype.
inline std::vector<std::byte> draw_bytes(const StreamDefinition& stream, Fill fill,
                                         std::uint64_t first, std::uint64_t count) {
  std::vector<std::byte> out(count * dtype_size(fill.dtype));
  fill.first_element = first;
  fill.count = count;
  fill.output = out.data();
  stream.fill(fill);
  return out;
}

// Whether `bytes` are what stands at `at`; nothing is the same as nothing.
inline bool same_bytes(const void* at, std::span<const std::byte> bytes) {
  return bytes.empty() || std::memcmp(at, bytes.data(), bytes.size()) == 0;
}

template <class T>
std::string sha256(std::span<const T> values) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(values.data(), values.size_bytes(), digest, &size, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", digest[i]);
    hex += two;
  }
  return hex;
}

template <class T>
std::string sha256(const std::vector<T>& values) {
  return sha256(std::span<const T>(values));
}

// Distance in units in the last place; NaNs are equal to each other only.
inline std::uint64_t ulp_distance(double a, double b) {
  const auto ordered = [](double x) {
    const auto bits = std::bit_cast<std::int64_t>(x);
    return bits < 0 ? std::numeric_limits<std::int64_t>::min() - bits : bits;
  };
  const std::int64_t x = ordered(a);
  const std::int64_t y = ordered(b);
  return x > y ? static_cast<std::uint64_t>(x) - static_cast<std::uint64_t>(y)
               : static_cast<std::uint64_t>(y) - static_cast<std::uint64_t>(x);
}

// Every (distribution, dtype) that `stream` can fill.
inline std::vector<Fill> every_kind(const StreamDefinition& stream) {
  std::vector<Fill> kinds;
  for (int distribution = 0; distribution <= static_cast<int>(Distribution::truncated_normal);
       ++distribution) {
    for (int dtype = 0; dtype <= static_cast<int>(DType::u64); ++dtype) {
      Fill fill{.distribution = static_cast<Distribution>(distribution),
                .dtype = static_cast<DType>(dtype),
                .key = 0x0123456789abcdefu,
                .counter = {0x1122334455667788u, 0x99aabbccddeeff00u}};
      if (!stream.supports(fill.distribution, fill.dtype)) continue;
      if (fill.distribution == Distribution::uniform_int) {
        for (const std::uint64_t range :
             {std::uint64_t{15}, std::uint64_t{1}, std::uint64_t{0xfffffffeu}}) {
          fill.range = range;
          fill.low = static_cast<std::uint64_t>(-7);
          kinds.push_back(fill);
        }
        continue;
      }
      kinds.push_back(fill);
      if (is_floating(fill.dtype)) {
        fill.scaled = true;
        fill.scale = 3.25;
        fill.offset = -1.5;
        kinds.push_back(fill);
      }
    }
  }
  return kinds;
}

inline std::string describe(const Fill& fill) {
  static const char* const kNames[] = {"full_int", "int_range", "uniform", "normal", "truncated"};
  return std::string(kNames[static_cast<int>(fill.distribution)]) + " " +
         std::string(dtype_name(fill.dtype)) + (fill.scaled ? " scaled" : "") + " first " +
         std::to_string(fill.first_element) + " count " + std::to_string(fill.count) + " range " +
         std::to_string(fill.range);
}

}  // namespace counterpoint::kernels_test
