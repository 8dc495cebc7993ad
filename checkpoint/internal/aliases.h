// Objects that have two names, such as tied weights: a restore gives them one content, or none.
//
//   Aliases aliases;
//   aliases.add("encoder", *encoder, saved_encoder);
//   aliases.add("decoder", *decoder, saved_decoder);   // throws: the same tensor, another content
//
// Thread-safety: one thread at a time. Determinism: as the order of the names.
#pragma once

#include <map>
#include <string>

#include "counterpoint/runtime/saveable.h"

namespace counterpoint::inline v1::checkpoint_internal {

class Aliases {
 public:
  // `object` and its members are to get what is in `saved`, which outlives this. Errors:
  // invalid_argument where one of them was to get something else under another name.
  void add(const std::string& name, const Saveable& object, const SavedObject& saved);

 private:
  struct Named {
    std::string name;
    const SavedObject* saved;
  };
  std::map<const void*, Named> named_;
};

}  // namespace counterpoint::inline v1::checkpoint_internal
