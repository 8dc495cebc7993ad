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
  COUNTERPOINT_PUBLIC std::uint64_t fingerprint() const;
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

}  // namespace counterpoint::inline v1
