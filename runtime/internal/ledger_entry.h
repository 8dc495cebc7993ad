// A range of a stream as a ledger of draws gives it away: to a checkpoint, and between ranks.
//
//   const LedgerEntry entry{.algorithm = "philox", .key = 7, .first = 0, .last = 255,
//                           .holder = "generator 'noise'", .calls = {{"normal at train.cc:12", 0, 255}}};
//   ledger->import({entry});
//
// Entries come out of files, which are untrusted: a text that many of them name is in memory once.
// Thread-safety: values; copies share their text.
#pragma once

#include <algorithm>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace counterpoint::inline v1 {

// A counter as one number.
using BlockNumber = unsigned __int128;

// Lines of a program that a range tells of: the first that drew it.
inline constexpr std::size_t kCallsOfRange = 8;

// Text whose copies share it.
class LedgerText {
 public:
  LedgerText() = default;
  template <std::convertible_to<std::string_view> Text>
  LedgerText(const Text& text) {  // NOLINT: as std::string's
    const std::string_view view = text;
    const auto characters = std::make_shared<char[]>(view.size());
    std::copy(view.begin(), view.end(), characters.get());
    size_ = view.size();
    text_ = characters;
  }

  std::string_view view() const { return {text_.get(), size_}; }

  friend bool operator==(const LedgerText& a, const LedgerText& b) {
    return a.is_same(b) || a.view() == b.view();
  }
  friend std::strong_ordering operator<=>(const LedgerText& a, const LedgerText& b) {
    return a.is_same(b) ? std::strong_ordering::equal : a.view() <=> b.view();
  }

 private:
  bool is_same(const LedgerText& other) const {
    return text_ == other.text_ && size_ == other.size_;
  }

  std::shared_ptr<const char[]> text_;
  std::size_t size_ = 0;
};

// Whose draws are equal by design, and are no reuse.
enum class HolderKind : std::uint8_t {
  plain,            // its own
  replica,          // its own, on no other rank
  shared,           // its own, which are those of all replicas
  shared_in_a_run,  // those of all holders of the same identity and run
};

// What a line of a program took, from its first block to its last, as text.
struct LedgerCall {
  LedgerText text;  // "normal at train.cc:12"
  BlockNumber first = 0;
  BlockNumber last = 0;
};

// Those of one ledger do not overlap, and their calls lie within them.
struct LedgerEntry {
  LedgerText algorithm;
  std::uint64_t key = 0;
  BlockNumber first = 0;
  BlockNumber last = 0;  // inclusive
  LedgerText holder;     // "generator 'noise'"
  std::uint64_t identity = 0;
  HolderKind kind = HolderKind::plain;
  std::vector<LedgerCall> calls;
};

}  // namespace counterpoint::inline v1
