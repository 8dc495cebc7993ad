#include "counterpoint/checkpoint/internal/plain_values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "counterpoint/checkpoint/internal/agreement.h"
#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/internal/element_text.h"
#include "counterpoint/runtime/internal/fingerprint.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

// Lines of words between tabs, which no name has that can be saved.
std::string without_controls(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < 0x20; }, '?');
  return text;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

// Empty for a generator that a strategy made: that one keeps its copies in step.
std::string state_of_plain_generator(const SavedObject& object) {
  const auto replicas = object.attributes.find("replicas");
  const auto algorithm = object.attributes.find("algorithm");
  const auto state = object.values.find("state");
  if (replicas == object.attributes.end() || algorithm == object.attributes.end() ||
      state == object.values.end() || state->second.dtype() != DType::i64) {
    return "";
  }
  const auto* const count = std::get_if<std::int64_t>(&replicas->second);
  const auto* const name = std::get_if<std::string>(&algorithm->second);
  if (count == nullptr || *count != 0 || name == nullptr) return "";
  return without_controls(
      fmt::format("{} [{}]", *name, fmt::join(state->second.values<std::int64_t>(), ", ")));
}

std::string element_of(const Tensor& tensor, std::size_t index) {
  const std::size_t size = dtype_size(tensor.dtype());
  return element_to_string(tensor.dtype(), tensor.bytes().subspan(index * size, size));
}

std::string text_of(const Tensor& number) {
  if (number.size() != 1) return shape_to_string(number.shape());
  return element_of(number, 0);
}

// A rank's lines, with or without the fingerprints at their ends.
std::vector<std::string> lines_of(std::string_view text, bool with_fingerprints) {
  std::vector<std::string> lines = split(text, '\n');
  for (std::string& line : lines) {
    if (!with_fingerprints) line.resize(line.rfind('\t'));
  }
  return lines;
}

std::vector<std::string> words_of(const std::vector<std::string>& lines, std::size_t at) {
  std::vector<std::string> words =
      at < lines.size() ? split(lines[at], '\t') : std::vector<std::string>{"nothing more"};
  words.resize(3);
  return words;
}

}  // namespace

PlainValues::PlainValues(const std::map<std::string, SavedObject>& objects,
                         const ValueReader& reader) {
  for (const auto& [name, object] : objects) add(name, object, reader);
}

void PlainValues::add(const std::string& path, const SavedObject& object,
                      const ValueReader& reader) {
  const auto value = object.values.find("value");
  if (object.type == "object") {
    for (const auto& [name, member] : object.members) add(path + "/" + name, member, reader);
  } else if (object.type == "number" && value != object.values.end()) {
    values_.push_back({"number", without_controls(path), text_of(value->second)});
  } else if (object.type == "tensor" && value != object.values.end()) {
    const Tensor& tensor = value->second;
    const std::span<const std::byte> bytes = tensor.bytes();
    values_.push_back(
        {"tensor", without_controls(path),
         fmt::format("{} {}", dtype_name(tensor.dtype()), shape_to_string(tensor.shape())),
         reader ? reader(bytes) : fingerprint_of(bytes), &tensor});
  } else if (object.type == "generator") {
    const std::string state = state_of_plain_generator(object);
    if (!state.empty()) values_.push_back({"generator", without_controls(path), state});
  }
}

void PlainValues::require_same(Communicator& communicator) const {
  std::string mine;
  for (const Value& value : values_) {
    mine +=
        fmt::format("{}\t{}\t{}\t{:x}\n", value.kind, value.path, value.state, value.fingerprint);
  }
  if (same_on_all_ranks(communicator, mine)) return;
  // From here on all ranks know the same, and go the same way. Elements are looked for only where
  // all ranks save tensors of the same shapes.
  const std::vector<std::string> texts = gather_texts(communicator, mine);
  for (const bool with_fingerprints : {false, true}) {
    const std::vector<std::string> firsts = lines_of(texts[0], with_fingerprints);
    for (std::size_t rank = 1; rank < texts.size(); ++rank) {
      const std::vector<std::string> others = lines_of(texts[rank], with_fingerprints);
      if (others == firsts) continue;
      const auto at =
          static_cast<std::size_t>(std::ranges::mismatch(firsts, others).in1 - firsts.begin());
      throw_difference(communicator, at, rank, words_of(firsts, at), words_of(others, at));
    }
  }
}

void PlainValues::throw_difference(Communicator& communicator, std::size_t at, std::size_t rank,
                                   const std::vector<std::string>& first,
                                   const std::vector<std::string>& other) const {
  if (first[0] != other[0] || first[1] != other[1]) {
    throw Error(
        ErrorCode::diverged,
        fmt::format("rank 0 saves {} '{}', but rank {} saves {} '{}'; save the same objects "
                    "on every rank",
                    first[0], first[1], rank, other[0], other[1]));
  }
  const std::string difference =
      first[2] == other[2]
          ? first_difference(communicator, *values_[at].tensor, rank)
          : fmt::format("is {} on rank 0, but {} on rank {}", first[2], other[2], rank);
  const std::string_view advice =
      first[0] == "generator" ? "make and draw it alike on every rank, or in a strategy's scope"
      : first[0] == "tensor"  ? "broadcast rank 0's before the save"
                              : "make it the same on every rank";
  throw Error(ErrorCode::diverged,
              fmt::format("{} '{}' {}; a checkpoint holds rank 0's for all: {}, "
                          "or leave it out",
                          first[0], first[1], difference, advice));
}

// By halves, of which the first that differs holds it.
std::string PlainValues::first_difference(Communicator& communicator, const Tensor& tensor,
                                          std::size_t other) {
  const std::size_t size = dtype_size(tensor.dtype());
  std::vector<std::uint64_t> theirs(static_cast<std::size_t>(communicator.size()));
  std::size_t begin = 0;
  for (std::size_t count = tensor.bytes().size() / size; count > 1;) {
    const std::size_t half = count / 2;
    const std::array<std::uint64_t, 1> mine{
        fingerprint_of(tensor.bytes().subspan(begin * size, half * size))};
    communicator.all_gather<std::uint64_t>(mine, theirs);
    const bool alike = theirs[0] == theirs[other];
    begin += alike ? half : 0;
    count = alike ? count - half : half;
  }
  const std::vector<std::string> elements = gather_texts(communicator, element_of(tensor, begin));
  return fmt::format("has {} in element {} on rank 0, but {} on rank {}", elements[0], begin,
                     elements[other], other);
}

}  // namespace counterpoint::inline v1::checkpoint_internal
