#include "counterpoint/checkpoint/internal/image_layout.h"

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <variant>

#include "counterpoint/checkpoint/internal/image_writer.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

void append(std::string& structure, std::uint64_t number) {
  structure.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void append(std::string& structure, const std::string& text) {
  append(structure, text.size());
  structure += text;
}

// All that the metadata depends on, each with its length in front so that nothing else reads the
// same; and the tensors that are not empty, in order.
void describe(const SavedObject& object, std::string& structure,
              std::vector<const Tensor*>& tensors) {
  append(structure, object.type);
  append(structure, object.attributes.size());
  for (const auto& [name, attribute] : object.attributes) {
    append(structure, name);
    append(structure, attribute.index());
    if (const auto* number = std::get_if<std::int64_t>(&attribute)) {
      append(structure, static_cast<std::uint64_t>(*number));
    } else {
      append(structure, std::get<std::string>(attribute));
    }
  }
  append(structure, object.values.size());
  for (const auto& [name, tensor] : object.values) {
    append(structure, name);
    append(structure, static_cast<std::uint64_t>(tensor.dtype()));
    append(structure, tensor.shape().size());
    for (const std::int64_t dimension : tensor.shape()) {
      append(structure, static_cast<std::uint64_t>(dimension));
    }
    if (tensor.size() > 0) tensors.push_back(&tensor);
  }
  append(structure, object.members.size());
  for (const auto& [name, member] : object.members) {
    append(structure, name);
    describe(member, structure, tensors);
  }
}

}  // namespace

FileImage ImageLayout::image_of(const SavedObject& root) {
  std::string structure;
  std::vector<const Tensor*> tensors;
  describe(root, structure, tensors);
  const std::scoped_lock lock(mutex_);
  if (structure == structure_) {
    FileImage image = image_;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      (void)tensors[i]->bytes();  // of a tensor without any on the CPU: an error, as in build_image
      image.refer(offsets_[i], *tensors[i]);
    }
    return image;
  }
  FileImage image = build_image(root);
  std::unordered_map<const Tensor*, std::uint64_t> places;
  for (const auto& [offset, tensor] : image.references()) places.emplace(tensor, offset);
  const bool all_referred = std::all_of(tensors.begin(), tensors.end(), [&](const Tensor* tensor) {
    return places.contains(tensor);
  });
  structure_.clear();  // nothing is kept of values that libhdf5 copied
  if (all_referred) {
    offsets_.clear();
    for (const Tensor* tensor : tensors) offsets_.push_back(places.at(tensor));
    image_ = image;
    structure_ = std::move(structure);
  }
  return image;
}

}  // namespace counterpoint::inline v1::checkpoint_internal
