// Reads a generator's state out of a checkpoint that tf.train.Checkpoint wrote, so that a job can
// move over: its next numbers here are the ones that TensorFlow would have drawn.
//
//   // Python: tf.train.Checkpoint(nested=..., ...).save("run/ckpt")
//   const auto state = cp::import_tensorflow("run/ckpt-1", "nested/rng");
//   auto noise = cp::Generator::from_state(state.words, {.algorithm = state.algorithm});
//   log(state.algorithm, noise.state());
//
// Thread-safety: any. Source: the table format of LevelDB and TensorFlow's tensor_bundle.proto.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "counterpoint/kernels/export.h"

namespace counterpoint::inline v1 {

class FileOperations;

struct TensorFlowState {
  std::string algorithm;  // "philox" or "threefry": TensorFlow does not save it, the number of
                          // words tells
  std::vector<std::int64_t> words;  // counter, then key, as Generator::from_state takes them
};

// `prefix` is what TensorFlow calls the checkpoint's path: "run/ckpt-1" for the files
// run/ckpt-1.index and run/ckpt-1.data-00000-of-00001. `name` is where the generator hung from the
// tf.train.Checkpoint: attribute names joined by '/'. Not collective: each caller reads.
// Errors: not_found for a file or the name (naming the generators that are there); data_loss for a
// damaged file or one of another format; unimplemented for a compressed index or a big-endian file;
// invalid_argument if the named variable is no generator's state.
COUNTERPOINT_PUBLIC TensorFlowState import_tensorflow(const std::filesystem::path& prefix,
                                                      const std::string& name,
                                                      FileOperations* files = nullptr);

}  // namespace counterpoint::inline v1
