#include "counterpoint/checkpoint/internal/numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "counterpoint/checkpoint/internal/agreement.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

void add(const std::string& path, const SavedObject& object, std::string& lines) {
  for (const auto& [name, member] : object.members) add(path + "/" + name, member, lines);
  const auto value = object.values.find("value");
  if (object.type != "number" || value == object.values.end()) return;
  const Tensor& number = value->second;
  lines += number.dtype() == DType::f64 ? fmt::format("{} {}\n", path, number.item<double>())
                                        : fmt::format("{} {}\n", path, number.item<std::int64_t>());
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (; !text.empty(); text.remove_prefix(text.find('\n') + 1)) {
    lines.push_back(text.substr(0, text.find('\n')));
  }
  return lines;
}

[[noreturn]] void throw_difference(std::string_view first, std::string_view other,
                                   std::size_t rank) {
  const std::size_t space = first.rfind(' ');
  throw Error(ErrorCode::diverged,
              fmt::format("number '{}' is {} on rank 0, but {} on rank {}; a checkpoint holds rank "
                          "0's for all: make it the same on every rank, or leave it out",
                          first.substr(0, space), first.substr(space + 1),
                          other.substr(other.rfind(' ') + 1), rank));
}

}  // namespace

std::string numbers_of(const NamedObjects& objects) {
  std::string lines;
  for (const NamedObject& object : objects) add(object.name, object.object->view(), lines);
  return lines;
}

void require_same_numbers(Communicator& communicator, const std::string& numbers) {
  if (same_on_all_ranks(communicator, numbers)) return;
  const std::vector<std::string> texts = gather_texts(communicator, numbers);
  const std::vector<std::string_view> mine = lines_of(texts[0]);
  for (std::size_t rank = 1; rank < texts.size(); ++rank) {
    const std::vector<std::string_view> theirs = lines_of(texts[rank]);
    for (std::size_t i = 0; i < std::min(mine.size(), theirs.size()); ++i) {
      if (mine[i] != theirs[i]) throw_difference(mine[i], theirs[i], rank);
    }
    if (mine.size() != theirs.size()) {
      throw Error(ErrorCode::diverged,
                  fmt::format("rank 0 saves {} plain numbers, but rank {} saves {}; save the same "
                              "objects on every rank",
                              mine.size(), rank, theirs.size()));
    }
  }
}

}  // namespace counterpoint::inline v1::checkpoint_internal
