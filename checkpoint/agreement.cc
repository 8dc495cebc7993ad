#include "counterpoint/checkpoint/internal/agreement.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <limits>
#include <string_view>

#include "counterpoint/runtime/internal/collective_call.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

constexpr std::uint64_t none = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t max_message_bytes = 16 << 10;
constexpr double grace_seconds = 2;  // beside what the communicator needs to ask who is there

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

// What `other` says that `first` does not: from the first of its clauses that is another.
std::string_view news_in(std::string_view other, std::string_view first) {
  const auto same =
      static_cast<std::size_t>(std::ranges::mismatch(other, first).in1 - other.begin());
  const std::size_t clause = other.rfind("; ", same);
  return clause == std::string_view::npos ? other : other.substr(clause + 2);
}

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
    message += fmt::format("; rank {}: {}", rank, news_in(message_of(rank), message_of(first)));
  }
  throw Error(code, message);
}

// Whether what ranks do together elsewhere fails like this where others do not come.
bool lacks_ranks(const Error& error) {
  return error.code() == ErrorCode::deadline_exceeded || error.code() == ErrorCode::unavailable;
}

// Or where it was given up before, on this rank perhaps before others.
bool may_lack_ranks(const Error& error) {
  return lacks_ranks(error) || error.code() == ErrorCode::failed_precondition;
}

using Words = std::array<std::uint64_t, 8>;

std::uint64_t agree_by(Communicator& communicator, std::string_view call, const Attempt& attempt,
                       std::uint64_t value, const std::function<void(Words&)>& reduce) {
  if (communicator.size() == 1) {
    if (attempt) throw *attempt;
    return value;
  }
  const auto rank = static_cast<std::uint64_t>(communicator.rank());
  const std::uint64_t fingerprint = fingerprint_of(call);
  Words words{attempt ? rank : none, fingerprint, ~fingerprint, rank == 0 ? value : none};
  reduce(words);
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

}  // namespace

std::uint64_t agree(Communicator& communicator, std::string_view call, const Attempt& attempt,
                    std::uint64_t value) {
  return agree_by(communicator, call, attempt, value, [&](Words& words) {
    try {
      communicator.all_reduce<std::uint64_t>(words, Reduce::min);
    } catch (const CommunicatorError& error) {
      throw Error(error.code(), fmt::format("{}: {}", call, error.reason()));
    }
  });
}

std::uint64_t agree_after_meeting(Communicator& communicator, std::string_view call,
                                  const Attempt& attempt, std::uint64_t value) {
  if (!attempt || !may_lack_ranks(*attempt)) return agree(communicator, call, attempt, value);
  return agree_by(communicator, call, attempt, value, [&](Words& words) {
    const double timeout = communicator.timeout_seconds();
    const double seconds = lacks_ranks(*attempt) ? std::min(grace_seconds, timeout) : timeout;
    try {
      communicator.start_all_reduce(Buffer::of<std::uint64_t>(words), Reduce::min).wait(seconds);
    } catch (const Error&) {
      throw *attempt;
    }
  });
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
