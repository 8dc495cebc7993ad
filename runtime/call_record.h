// What was called: enough to tell whether replicas made the same calls, and to name the one that
// differs.
//
//   CallRecord record{.operation = Operation::normal, .dtype = DType::f32, .shape = shape,
//                     .scalars = {0, bits_of(1.0)}, .location = location};
//   Reservation reserved = store->reserve(context, record, blocks, KeyUse::stream);
//
// A record refers to its shape and file name, and is made on the stack of every draw: it costs a
// few stores. Thread-safety: values.
#pragma once

#include <array>
#include <cstdint>
#include <source_location>
#include <span>
#include <string>
#include <string_view>

#include "counterpoint/kernels/dtype.h"

namespace counterpoint::inline v1 {

enum class Operation : std::uint8_t {
  normal,
  truncated_normal,
  uniform,
  uniform_full_int,
  binomial,
  make_seeds,
  split,
  skip,
  reset,
  restore,
  assign,
  assign_add,
  assign_sub,
  create,
  gather,
  broadcast,
  reduce,
  any,
  check,
  all_reduce,
  save,
  take_turns,
};

// "normal", "all_reduce", ...
COUNTERPOINT_PUBLIC std::string_view operation_name(Operation operation);

// "train.cc:12"
COUNTERPOINT_PUBLIC std::string location_to_string(const std::source_location& location);

struct CallRecord {
  Operation operation = Operation::normal;
  DType dtype = DType::f32;
  std::span<const std::int64_t> shape = {};
  // Scalar parameters by value; a tensor parameter by its type and shape.
  std::array<std::uint64_t, 2> scalars{};
  std::source_location location = {};

  // A 64-bit digest of all but the location: equal calls have equal fingerprints on every rank.
  // Inline, since every draw pays it: a few multiplications that do not wait for each other.
  std::uint64_t fingerprint() const noexcept;
  // "normal f32 [2, 3] at train.cc:12"
  COUNTERPOINT_PUBLIC std::string to_string() const;
};

// Mixes `word` into a rolling digest.
constexpr std::uint64_t mix_digest(std::uint64_t digest, std::uint64_t word) {
  // The finaliser of SplitMix64 (Steele, Lea, Flood 2014) over a running sum.
  std::uint64_t x = digest + 0x9e3779b97f4a7c15u + word;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

inline std::uint64_t CallRecord::fingerprint() const noexcept {
  // A multilinear hash: the products do not wait for each other. Words are folded first, since those
  // of floats differ in their high bits alone. Sixteen bits apart, so that no compiler reads two
  // bytes at once that were just written one by one, which stalls.
  constexpr auto fold = [](std::uint64_t word) { return word ^ word >> 32; };
  const std::uint64_t what = static_cast<std::uint64_t>(operation) |
                             static_cast<std::uint64_t>(dtype) << 16 |
                             static_cast<std::uint64_t>(shape.size()) << 32;
  const std::uint64_t length = shape.empty() ? 0 : static_cast<std::uint64_t>(shape.front());
  // Odd numbers out of the bits of pi.
  std::uint64_t digest = what * 0x243f6a8885a308d3u + fold(scalars[0]) * 0x13198a2e03707345u +
                         fold(scalars[1]) * 0xa4093822299f31d1u +
                         fold(length) * 0x082efa98ec4e6c89u;
  for (std::size_t i = 1; i < shape.size(); ++i) {
    digest = (fold(digest) ^ static_cast<std::uint64_t>(shape[i])) * 0x452821e638d01377u;
  }
  return fold(digest) * 0xbe5466cf34e90c6du;
}

}  // namespace counterpoint::inline v1
