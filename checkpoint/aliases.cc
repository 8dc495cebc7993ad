#include "counterpoint/checkpoint/internal/aliases.h"

#include <fmt/format.h>

#include <algorithm>

#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

bool same_tensor(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() &&
         std::ranges::equal(a.bytes(), b.bytes());
}

bool same_saved(const SavedObject& a, const SavedObject& b) {
  return a.type == b.type && a.attributes == b.attributes &&
         std::ranges::equal(a.values, b.values,
                            [](const auto& x, const auto& y) {
                              return x.first == y.first && same_tensor(x.second, y.second);
                            }) &&
         std::ranges::equal(a.members, b.members, [](const auto& x, const auto& y) {
           return x.first == y.first && same_saved(x.second, y.second);
         });
}

}  // namespace

void Aliases::add(const std::string& name, const Saveable& object, const SavedObject& saved) {
  for (const NamedObject& member : object.members()) {
    const auto found = saved.members.find(member.name);
    if (found == saved.members.end()) continue;
    add(name + "/" + member.name, *member.object, found->second);
  }
  const auto [known, is_new] = named_.try_emplace(object.target(), Named{name, &saved});
  if (is_new || same_saved(*known->second.saved, saved)) return;
  throw Error(ErrorCode::invalid_argument,
              fmt::format("is the same object as '{}', of which the file holds another content; "
                          "restore it under one name, or give each an object of its own",
                          known->second.name));
}

}  // namespace counterpoint::inline v1::checkpoint_internal
