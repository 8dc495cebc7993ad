// Files of one generation each, that say which: what a save left is looked at by restoring it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/checkpoint/file_operations.h"

namespace checkpoint_tests {

inline constexpr std::int64_t length = 1000;

// A generation is whole if all its elements are its number.
inline cp::Tensor generation(std::int64_t number) {
  cp::Tensor tensor(cp::DType::i64, {length});
  for (std::int64_t& element : tensor.values<std::int64_t>()) element = number;
  return tensor;
}

inline std::int64_t number_of(const cp::Tensor& tensor) {
  EXPECT_EQ(tensor.size(), length);
  const auto values = tensor.values<std::int64_t>();
  for (const std::int64_t value : values) EXPECT_EQ(value, values[0]);
  return values[0];
}

inline void save(const std::string& path, std::int64_t number,
                 std::shared_ptr<cp::FileOperations> files) {
  cp::Tensor tensor = generation(number);
  cp::Checkpoint(one_rank(), {{"tensor", tensor}}, std::move(files)).save(path);
}

inline std::int64_t restored(const std::string& path,
                             std::shared_ptr<cp::FileOperations> files = nullptr) {
  cp::Tensor tensor(cp::DType::i64, {});
  cp::Checkpoint(one_rank(), {{"tensor", tensor}}, std::move(files)).restore(path);
  return number_of(tensor);
}

}  // namespace checkpoint_tests
