#include "counterpoint/checkpoint/internal/digest_tree.h"

#include <openssl/evp.h>

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

#include "counterpoint/checkpoint/internal/file_format.h"
#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

constexpr std::size_t leaves_per_thread = 4;  // below that a thread costs more than it saves
constexpr std::size_t max_threads = 8;

void hash_into(std::span<const std::byte> bytes, std::byte* digest) {
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest), &size,
                 EVP_sha256(), nullptr) != 1 ||
      size != sizeof(Digest)) {
    throw Error(ErrorCode::internal, "libcrypto could not compute SHA-256");
  }
}

}  // namespace

Digest sha256(std::span<const std::byte> bytes) {
  Digest digest;
  hash_into(bytes, digest.data());
  return digest;
}

Digest digest_tree(std::span<const std::byte> prefix, std::span<const std::byte> bytes) {
  const std::size_t leaves = (bytes.size() + leaf_bytes - 1) / leaf_bytes;
  std::vector<std::byte> top(prefix.size() + leaves * sizeof(Digest));
  std::copy(prefix.begin(), prefix.end(), top.begin());

  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  const auto hash_leaves = [&]() noexcept {
    for (std::size_t leaf = next++; leaf < leaves; leaf = next++) {
      const std::size_t begin = leaf * leaf_bytes;
      try {
        hash_into(bytes.subspan(begin, std::min(leaf_bytes, bytes.size() - begin)),
                  top.data() + prefix.size() + leaf * sizeof(Digest));
      } catch (const std::exception&) {
        failed = true;
      }
    }
  };

  std::vector<std::thread> helpers;
  const std::size_t threads = std::min<std::size_t>(
      {leaves / leaves_per_thread, std::max(1u, std::thread::hardware_concurrency()), max_threads});
  try {
    while (helpers.size() + 1 < threads) helpers.emplace_back(hash_leaves);
  } catch (const std::system_error&) {
    // No more threads to be had: this one does the rest.
  }
  hash_leaves();
  for (std::thread& helper : helpers) helper.join();
  if (failed) throw Error(ErrorCode::internal, "libcrypto could not compute SHA-256");
  return sha256(top);
}

}  // namespace counterpoint::inline v1::checkpoint_internal
