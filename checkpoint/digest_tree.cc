#include "counterpoint/checkpoint/internal/digest_tree.h"

#include <openssl/evp.h>

#include <algorithm>

#include "counterpoint/checkpoint/internal/parallel.h"
#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {

Digest sha256(std::span<const std::byte> bytes) {
  Digest digest;
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), &size,
                 EVP_sha256(), nullptr) != 1 ||
      size != sizeof(Digest)) {
    throw Error(ErrorCode::internal, "libcrypto could not compute SHA-256");
  }
  return digest;
}

std::size_t leaf_count(std::uint64_t bytes) {
  return static_cast<std::size_t>((bytes + leaf_bytes - 1) / leaf_bytes);
}

LeafRange leaf_range(std::uint64_t bytes, std::size_t leaf) {
  const std::uint64_t offset = std::uint64_t{leaf} * leaf_bytes;
  return {offset, static_cast<std::size_t>(std::min<std::uint64_t>(leaf_bytes, bytes - offset))};
}

std::vector<Digest> leaf_digests(std::span<const std::byte> bytes) {
  constexpr std::size_t leaves_per_thread = 4;  // below that a thread costs more than it saves
  std::vector<Digest> digests(leaf_count(bytes.size()));
  for_each_in_parallel(digests.size(), leaves_per_thread, [&](std::size_t leaf, std::size_t) {
    const LeafRange range = leaf_range(bytes.size(), leaf);
    digests[leaf] = sha256(bytes.subspan(range.offset, range.size));
  });
  return digests;
}

Digest top_digest(std::span<const std::byte> prefix, std::span<const Digest> leaves) {
  std::vector<std::byte> top(prefix.begin(), prefix.end());
  for (const Digest& leaf : leaves) top.insert(top.end(), leaf.begin(), leaf.end());
  return sha256(top);
}

}  // namespace counterpoint::inline v1::checkpoint_internal
