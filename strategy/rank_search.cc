#include "counterpoint/strategy/internal/rank_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

namespace counterpoint::inline v1 {
namespace {

constexpr std::size_t kMostText = 2048;
constexpr std::uint64_t kNone = ~std::uint64_t{0};

}  // namespace

std::uint64_t RankSearch::least(std::uint64_t mine) {
  communicator_.all_reduce(std::span<std::uint64_t>(&mine, 1), Reduce::min);
  return mine;
}

std::optional<int> RankSearch::first_rank(bool mine) {
  const std::uint64_t rank = least(mine ? static_cast<std::uint64_t>(communicator_.rank()) : kNone);
  return rank == kNone ? std::nullopt : std::optional(static_cast<int>(rank));
}

bool RankSearch::alike(Value mine) {
  // The least of the values and of their complements: all are alike if both are of one value.
  std::array<std::uint64_t, 2> least = {kNone, kNone};
  if (mine) least = {*mine, ~*mine};
  communicator_.all_reduce(std::span<std::uint64_t>(least), Reduce::min);
  return least[0] == ~least[1];
}

std::uint64_t RankSearch::first_unlike(std::uint64_t begin, std::uint64_t end,
                                       const std::function<Value(std::uint64_t)>& value) {
  while (begin < end) {
    const std::uint64_t middle = begin + (end - begin) / 2;
    if (alike(value(middle))) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return end;
}

std::optional<std::pair<int, int>> RankSearch::unlike(Value mine) {
  const std::optional<int> first = first_rank(mine.has_value());
  if (!first) return std::nullopt;
  std::uint64_t value = mine.value_or(0);
  communicator_.broadcast(std::span<std::uint64_t>(&value, 1), *first);
  const std::optional<int> other = first_rank(mine && *mine != value);
  return other ? std::optional(std::pair(*first, *other)) : std::nullopt;
}

std::string RankSearch::text_of(const std::string& mine, int root) {
  // As words, since a communicator moves no bytes.
  std::array<std::uint32_t, kMostText / sizeof(std::uint32_t)> page{};
  if (communicator_.rank() == root) {
    std::memcpy(page.data(), mine.data(), std::min(mine.size(), kMostText - 1));
  }
  communicator_.broadcast(std::span<std::uint32_t>(page), root);
  return reinterpret_cast<const char*>(page.data());
}

std::string RankSearch::describe_unlike(Value mine, const std::string& text) {
  const auto ranks = unlike(mine);
  if (!ranks) return "which, is not known";
  const std::string first = text_of(text, ranks->first);
  return fmt::format("on rank {}, {}; on rank {}, {}", ranks->first, first, ranks->second,
                     text_of(text, ranks->second));
}

}  // namespace counterpoint::inline v1
