// libFuzzer target: any bytes behind a right header block, through the loader.
//
//   cmake -B build/fuzz -DCMAKE_CXX_COMPILER=clang++-16 -DCMAKE_C_COMPILER=clang-16
//         -DCOUNTERPOINT_SANITIZE=address,undefined,fuzzer-no-link -DCOUNTERPOINT_FUZZ=ON
//   cmake --build build/fuzz --target fuzz_image_reader
//   ASAN_OPTIONS=detect_leaks=0 build/fuzz/tests/checkpoint/fuzz/fuzz_image_reader CORPUS
//
// Leaks are libhdf5's own, on malformed input.
//
// The first byte says whether the header is made right, which a fuzzer could not do by itself.
#include <cstdint>
#include <span>
#include <vector>

#include "counterpoint/checkpoint/internal/file_format.h"
#include "counterpoint/checkpoint/internal/image_reader.h"
#include "counterpoint/runtime/error.h"

namespace internal = counterpoint::checkpoint_internal;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool sealed = data[0] != 0;
  const auto bytes = std::as_bytes(std::span(data, size)).subspan(1);
  std::vector<std::byte> file(bytes.begin(), bytes.end());
  if (sealed && file.size() > internal::header_bytes) internal::seal(file);
  try {
    const internal::ImageReader reader("fuzz", file);
    for (const std::string& name : reader.names()) {
      try {
        reader.read(name);
      } catch (const counterpoint::Error&) {
      }
    }
  } catch (const counterpoint::Error&) {
  }
  return 0;
}
