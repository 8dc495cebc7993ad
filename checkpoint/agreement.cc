#include "counterpoint/checkpoint/internal/agreement.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string_view>

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

constexpr std::uint64_t none = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t max_message_bytes = 16 << 10;

// FNV-1a: the same on every rank, whatever its standard library.
std::uint64_t fingerprint_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

std::vector<std::uint64_t> packed(std::string_view text, std::size_t words) {
  std::vector<std::uint64_t> packed_text(words);
  std::memcpy(packed_text.data(), text.data(), text.size());
  return packed_text;
}

constexpr std::size_t words_of(std::size_t bytes) { return (bytes + 7) / 8; }

[[noreturn]] void throw_together(Communicator& communicator, const Attempt& attempt,
                                 std::uint64_t first) {
  std::string mine;
  if (attempt) {
    mine = fmt::format("{} {}", static_cast<int>(attempt->code()),
                       attempt->message().substr(0, max_message_bytes));
  }
  const std::vector<std::string> texts = gather_texts(communicator, mine);
  const auto message_of = [&](std::size_t rank) {
    return texts[rank].substr(texts[rank].find(' ') + 1);
  };
  const auto code = static_cast<ErrorCode>(std::stoi(texts[first]));
  std::string message = message_of(first);
  if (texts.size() > 1 && first != 0) message = fmt::format("rank {}: {}", first, message);
  for (std::size_t rank = first + 1; rank < texts.size(); ++rank) {
    if (texts[rank].empty() || message_of(rank) == message_of(first)) continue;
    message += fmt::format("; rank {}: {}", rank, message_of(rank));
  }
  throw Error(code, message);
}

}  // namespace

std::uint64_t agree(Communicator& communicator, std::string_view call, const Attempt& attempt,
                    std::uint64_t value) {
  if (communicator.size() == 1) {
    if (attempt) throw *attempt;
    return value;
  }
  const auto rank = static_cast<std::uint64_t>(communicator.rank());
  const std::uint64_t fingerprint = fingerprint_of(call);
  std::array<std::uint64_t, 8> words{attempt ? rank : none, fingerprint, ~fingerprint,
                                     rank == 0 ? value : none};
  communicator.all_reduce<std::uint64_t>(words, Reduce::min);
  const std::uint64_t first = words[0];
  if (words[1] != ~words[2]) {
    const std::vector<std::string> calls =
        gather_texts(communicator, std::string(call.substr(0, max_message_bytes)));
    std::size_t other = 1;
    while (other + 1 < calls.size() && calls[other] == calls[0]) ++other;
    throw Error(ErrorCode::failed_precondition,
                fmt::format("ranks do different things: rank 0 does '{}', rank {} does '{}'; "
                            "checkpoints are collective, make the same call on every rank",
                            calls[0], other, calls[other]));
  }
  if (first != none) throw_together(communicator, attempt, first);
  return words[3];
}

bool same_on_all_ranks(Communicator& communicator, std::string_view text) {
  if (communicator.size() == 1) return true;
  const std::uint64_t fingerprint = fingerprint_of(text);
  std::array<std::uint64_t, 8> words{fingerprint, ~fingerprint};
  communicator.all_reduce<std::uint64_t>(words, Reduce::min);
  return words[0] == ~words[1];
}

std::vector<std::string> gather_texts(Communicator& communicator, const std::string& text) {
  const auto ranks = static_cast<std::size_t>(communicator.size());
  const std::array<std::uint64_t, 1> mine{text.size()};
  std::vector<std::uint64_t> sizes(ranks);
  communicator.all_gather<std::uint64_t>(mine, sizes);
  std::size_t longest = 1;
  for (const std::uint64_t size : sizes) longest = std::max(longest, words_of(size));

  const std::vector<std::uint64_t> words = packed(text, longest);
  std::vector<std::uint64_t> gathered(longest * ranks);
  communicator.all_gather<std::uint64_t>(words, gathered);
  std::vector<std::string> texts;
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    texts.emplace_back(reinterpret_cast<const char*>(gathered.data() + rank * longest),
                       sizes[rank]);
  }
  return texts;
}

void broadcast_text(Communicator& communicator, std::string& text) {
  if (communicator.size() == 1) return;
  std::array<std::uint64_t, 1> size{text.size()};
  communicator.broadcast<std::uint64_t>(size);
  text.resize(size[0]);
  if (text.empty()) return;
  std::vector<std::uint64_t> words = packed(text, words_of(size[0]));
  communicator.broadcast<std::uint64_t>(words);
  std::memcpy(text.data(), words.data(), text.size());
}

}  // namespace counterpoint::inline v1::checkpoint_internal
