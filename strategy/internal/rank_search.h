// Finding what differs between ranks by reductions of 16 bytes, so that what is sent grows with the
// logarithm of what is searched, and not with the number of ranks.
//
//   RankSearch search(communicator);
//   const auto at = search.first_unlike(0, log.count(), [&](auto n) { return digest_up_to(n); });
//   const auto [one, other] = search.unlike(digest_up_to(at)).value();
//   message = search.text_of(mine, one) + "; " + search.text_of(mine, other);
//
// Collective, all of it. Thread-safety: as the communicator's. Errors: as the communicator's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "counterpoint/runtime/communicator.h"

namespace counterpoint::inline v1 {

class RankSearch {
 public:
  using Value = std::optional<std::uint64_t>;  // none for ranks that are not asked

  explicit RankSearch(Communicator& communicator) : communicator_(communicator) {}

  std::uint64_t least(std::uint64_t mine);
  std::uint64_t most(std::uint64_t mine) { return ~least(~mine); }
  // The first rank of which `mine` is true.
  std::optional<int> first_rank(bool mine);
  // Whether all values are the same; some rank has one.
  bool alike(Value mine);
  // The first number from `begin` to before `end` of which the values are not alike, as they are
  // not of any after it; else `end`. By halves.
  std::uint64_t first_unlike(std::uint64_t begin, std::uint64_t end,
                             const std::function<Value(std::uint64_t)>& value);
  // The first rank with a value, and the first whose value is another; none where all are alike.
  std::optional<std::pair<int, int>> unlike(Value mine);
  // The text of rank `root`, at most 2 KiB of it.
  std::string text_of(const std::string& mine, int root);
  // "on rank 0, TEXT; on rank 2, TEXT" of two ranks whose values differ.
  std::string describe_unlike(Value mine, const std::string& text);

 private:
  Communicator& communicator_;
};

}  // namespace counterpoint::inline v1
