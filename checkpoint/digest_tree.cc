#include "counterpoint/checkpoint/internal/digest_tree.h"

#include <openssl/evp.h>

#include <algorithm>

#include "counterpoint/checkpoint/internal/leaf_hasher.h"
#include "counterpoint/checkpoint/internal/parallel.h"
#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

constexpr std::size_t pairs_per_thread = 2;  // below that a thread costs more than it saves

}  // namespace

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

LeafRange leaf_range(std::uint64_t bytes, std::size_t begin, std::size_t end) {
  const std::uint64_t first = std::uint64_t{begin} * leaf_bytes;
  const std::uint64_t last = std::min<std::uint64_t>(std::uint64_t{end} * leaf_bytes, bytes);
  return {first, static_cast<std::size_t>(last - first)};
}

void hash_leaves(std::span<const std::byte> bytes, std::span<Digest> digests) {
  LeafHasher(bytes, digests).finish();
}

std::vector<Digest> leaf_digests(std::span<const std::byte> bytes) {
  std::vector<Digest> digests(leaf_count(bytes.size()));
  const std::size_t workers = worker_count_for_leaves(digests.size());
  const auto hash = [&](std::size_t begin, std::size_t end, std::size_t) {
    const LeafRange range = leaf_range(bytes.size(), begin, end);
    hash_leaves(bytes.subspan(range.offset, range.size),
                std::span(digests).subspan(begin, end - begin));
  };
  for_each_pair_of_leaves(digests.size(), workers, hash);
  return digests;
}

std::size_t worker_count_for_leaves(std::size_t leaves) {
  return worker_count((leaves + 1) / 2, pairs_per_thread);
}

void for_each_pair_of_leaves(
    std::size_t leaves, std::size_t workers,
    const std::function<void(std::size_t begin, std::size_t end, std::size_t worker)>& work) {
  for_each_in_parallel((leaves + 1) / 2, workers, [&](std::size_t pair, std::size_t worker) {
    work(2 * pair, std::min(2 * pair + 2, leaves), worker);
  });
}

Digest top_digest(std::span<const std::byte> prefix, std::span<const Digest> leaves) {
  std::vector<std::byte> top(prefix.begin(), prefix.end());
  for (const Digest& leaf : leaves) top.insert(top.end(), leaf.begin(), leaf.end());
  return sha256(top);
}

}  // namespace counterpoint::inline v1::checkpoint_internal
