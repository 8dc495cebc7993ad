#include "counterpoint/checkpoint/internal/leaf_hasher.h"

#include <algorithm>

#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

static_assert(leaf_bytes % (LeafHasher::slice_bytes / 2) == 0 &&
              LeafHasher::slice_bytes / 2 % 64 == 0);

void require(int result) {
  if (result != 1) throw Error(ErrorCode::internal, "libcrypto could not compute SHA-256");
}

}  // namespace

bool LeafHasher::is_pair() const { return bytes_.size() >= 2 * leaf_bytes && has_sha256_pair(); }

void LeafHasher::step() {
  if (is_pair()) {
    step_pair();
  } else {
    step_one();
  }
}

void LeafHasher::step_pair() {
  pair_.update(bytes_.subspan(hashed_, slice_bytes / 2),
               bytes_.subspan(leaf_bytes + hashed_, slice_bytes / 2));
  hashed_ += slice_bytes / 2;
  if (hashed_ < leaf_bytes) return;
  std::ranges::copy(pair_.finish(), digests_.begin());
  go_on(2);
}

void LeafHasher::step_one() {
  if (hashed_ == 0) {
    if (one_ == nullptr) one_.reset(EVP_MD_CTX_new());
    require(one_ != nullptr ? 1 : 0);
    require(EVP_DigestInit_ex(one_.get(), EVP_sha256(), nullptr));
  }
  const std::size_t size = std::min(bytes_.size(), leaf_bytes);
  const std::size_t slice = std::min(size - hashed_, slice_bytes);
  require(EVP_DigestUpdate(one_.get(), bytes_.data() + hashed_, slice));
  hashed_ += slice;
  if (hashed_ < size) return;
  auto* const digest = reinterpret_cast<unsigned char*>(digests_.front().data());
  require(EVP_DigestFinal_ex(one_.get(), digest, nullptr));
  go_on(1);
}

void LeafHasher::go_on(std::size_t leaves) {
  bytes_ = bytes_.subspan(std::min(bytes_.size(), leaves * leaf_bytes));
  digests_ = digests_.subspan(leaves);
  hashed_ = 0;
}

}  // namespace counterpoint::inline v1::checkpoint_internal
