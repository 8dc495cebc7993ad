// Hashes leaves a slice at a time, for a thread that has others to answer meanwhile.
//
//   LeafHasher hasher(bytes, digests);   // as hash_leaves() of digest_tree.h
//   while (!hasher.done()) { hasher.step(); answer(); }
//
// Thread-safety: values. Determinism: the digests of hash_leaves().
#pragma once

#include <openssl/evp.h>

#include <cstddef>
#include <memory>
#include <span>

#include "counterpoint/checkpoint/internal/digest_tree.h"
#include "counterpoint/checkpoint/internal/sha256_pair.h"

namespace counterpoint::inline v1::checkpoint_internal {

class LeafHasher {
 public:
  // Some tens of microseconds.
  static constexpr std::size_t slice_bytes = std::size_t{64} << 10;

  LeafHasher() = default;
  // `bytes` of consecutive leaves, of which only the last may be short, and a digest for each.
  LeafHasher(std::span<const std::byte> bytes, std::span<Digest> digests)
      : bytes_(bytes), digests_(digests) {}

  bool done() const { return digests_.empty(); }
  // Hashes a slice, or what remains of a leaf. Errors: internal.
  void step();
  void finish() {
    while (!done()) step();
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };

  bool is_pair() const;
  void step_pair();
  void step_one();
  void go_on(std::size_t leaves);

  std::span<const std::byte> bytes_;  // from the current leaf on
  std::span<Digest> digests_;
  std::size_t hashed_ = 0;  // bytes of the current leaf, or of each of the current two
  Sha256Pair pair_;
  std::unique_ptr<EVP_MD_CTX, Free> one_;
};

}  // namespace counterpoint::inline v1::checkpoint_internal
