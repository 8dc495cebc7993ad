// The checkpoints that are kept of each released format version, in tests/golden/checkpoints_v<N>:
// what is in them is decided here, so that the next version is recorded with the same content.
//
//   write_released_checkpoints("tests/golden/checkpoints_v1");   // or of today's writer, elsewhere
//
// expected.json beside them says what a reader must find; no code of ours wrote that.
#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/mirrored_strategy.h"

namespace checkpoint_tests {

// Bits as a tensor of the float type T.
template <class T, class Bits>
cp::Tensor tensor_of_bits(const std::vector<Bits>& bits, cp::Shape shape) {
  std::vector<T> values;
  for (const Bits each : bits) values.push_back(std::bit_cast<T>(each));
  return cp::Tensor::from<T>(std::span<const T>(values), std::move(shape));
}

// A user's type with named members.
struct Members {
  cp::NamedObjects objects;
  cp::NamedObjects members() { return objects; }
};

inline void save_objects(const std::string& path, cp::NamedObjects objects) {
  cp::Checkpoint(one_rank(), std::move(objects)).save(path);
}

inline void write_generators(const std::string& path) {
  auto philox = cp::Generator::from_seed(1);
  (void)philox.normal<float>({3});
  auto philox_vector = cp::Generator::from_seed({1, 2, 3});
  auto philox_negative = cp::Generator::from_seed(-1);
  auto threefry =
      cp::Generator::from_state(std::vector<std::int64_t>{5, 1}, {.algorithm = "threefry"});
  (void)threefry.uniform<double>({2, 2});
  auto parent = cp::Generator::from_seed(1);
  auto children = parent.split(2);
  save_objects(path, {{"philox", philox},
                      {"philox_vector", philox_vector},
                      {"philox_negative", philox_negative},
                      {"threefry", threefry},
                      {"parent", parent},
                      {"child", children[1]}});
}

inline void write_mirrored(const std::string& path) {
  cp::MirroredStrategy strategy({.replicas_per_rank = 4});
  auto turns = cp::Generator::from_seed(5);
  const auto scope = strategy.scope();
  auto noise = cp::Generator::from_seed(1);
  auto dropout =
      cp::Generator::from_state(std::vector<std::int64_t>{7, 9}, {.algorithm = "threefry"});
  auto weights = strategy.variable<float>({2, 3});
  strategy.run([&](cp::ReplicaContext&) {
    (void)noise.normal<float>({2, 3});
    (void)dropout.uniform_full_int<std::uint64_t>({5});
    (void)turns.uniform<float>({});
    weights.assign(std::vector<float>{0.5f, -1.25f, 3.0f, 1e-3f, -0.0f, 65536.0f});
  });
  std::int64_t step = 41;
  save_objects(path, {{"noise", noise},
                      {"dropout", dropout},
                      {"turns", turns},
                      {"weights", weights},
                      {"step", step}});
}

inline void write_element_types(const std::string& path) {
  using std::numeric_limits;
  // Zeros of both signs, one, the smallest subnormal, the largest number, infinities, a NaN.
  auto f16 = tensor_of_bits<cp::Float16, std::uint16_t>(
      {0x0000, 0x8000, 0x3c00, 0x0001, 0x7bff, 0x7c00, 0xfc00, 0x7e00}, {2, 4});
  auto bf16 = tensor_of_bits<cp::BFloat16, std::uint16_t>(
      {0x0000, 0x8000, 0x3f80, 0x0001, 0x7f7f, 0x7f80, 0xff80, 0x7fc0}, {2, 4});
  auto f32 = tensor_of_bits<float, std::uint32_t>({0x00000000, 0x80000000, 0x3f800000, 0x00000001,
                                                   0x7f7fffff, 0x7f800000, 0xff800000, 0x7fc00000},
                                                  {2, 4});
  auto f64 = tensor_of_bits<double, std::uint64_t>(
      {0x0000000000000000, 0x8000000000000000, 0x3ff0000000000000, 0x0000000000000001,
       0x7fefffffffffffff, 0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000},
      {2, 4});
  auto i32 = cp::Tensor::from<std::int32_t>(
      {0, -1, numeric_limits<std::int32_t>::min(), numeric_limits<std::int32_t>::max()}, {4, 1});
  auto i64 = cp::Tensor::from<std::int64_t>(
      {0, -1, numeric_limits<std::int64_t>::min(), numeric_limits<std::int64_t>::max()}, {1, 4});
  auto u32 = cp::Tensor::from<std::uint32_t>({0, 1, numeric_limits<std::uint32_t>::max()}, {3});
  auto u64 = cp::Tensor::from<std::uint64_t>({0, 1, numeric_limits<std::uint64_t>::max()}, {3});
  auto scalar = cp::Tensor::scalar(2.5f);
  cp::Tensor empty(cp::DType::f64, {0, 3});
  std::int64_t integer = numeric_limits<std::int64_t>::min();
  double real = -0.1;
  save_objects(path, {{"f16", f16},
                      {"bf16", bf16},
                      {"f32", f32},
                      {"f64", f64},
                      {"i32", i32},
                      {"i64", i64},
                      {"u32", u32},
                      {"u64", u64},
                      {"scalar", scalar},
                      {"empty", empty},
                      {"integer", integer},
                      {"real", real}});
}

inline void write_nested(const std::string& path) {
  auto noise = cp::Generator::from_seed(7);
  auto weights = cp::Tensor::from<float>({1.0f, 2.0f}, {2});
  auto bias = cp::Tensor::from<double>({-3.0}, {1});
  std::int64_t depth = 3;
  Members attention{{{"weights", weights}, {"noise", noise}}};
  Members encoder{{{"attention", attention}, {"depth", depth}}};
  Members decoder{{{"bias", bias}}};
  Members model{{{"encoder", encoder}, {"decoder", decoder}}};
  std::int64_t greek = 1;
  std::int64_t spaced = 2;
  std::int64_t longest = 3;
  save_objects(path, {{"model", model},
                      {"\u03b1\u03b2 \u6a21\u578b", greek},
                      {"with spaces, \"quotes\" and a \\", spaced},
                      {std::string(255, 'n'), longest}});
}

// More than one leaf of the digest's tree.
inline void write_leaves(const std::string& path) {
  cp::Tensor counts(cp::DType::u32, {300, 1000});
  const auto values = counts.values<std::uint32_t>();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint32_t>(i / 1000);
  save_objects(path, {{"counts", counts}});
}

inline void write_released_checkpoints(const std::string& folder) {
  write_generators(folder + "/generators.h5");
  write_mirrored(folder + "/mirrored.h5");
  write_element_types(folder + "/element_types.h5");
  write_nested(folder + "/nested.h5");
  write_leaves(folder + "/leaves.h5");
}

}  // namespace checkpoint_tests
