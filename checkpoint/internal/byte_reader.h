// Reads numbers out of untrusted bytes: little-endian integers, varints, protocol-buffer fields.
// Nothing is read beyond the end; what does not fit throws Malformed.
//
//   ByteReader reader(bytes);
//   const std::uint64_t length = reader.varint();
//   ByteReader field = reader.take(length);
//
// Thread-safety: values.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>

namespace counterpoint::inline v1::checkpoint_internal {

class Malformed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  bool done() const { return bytes_.empty(); }
  std::size_t size() const { return bytes_.size(); }
  std::span<const std::byte> rest() const { return bytes_; }
  std::string text() const { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }

  // A reader of the next `count` bytes, which are then behind this one.
  ByteReader take(std::uint64_t count) {
    if (count > bytes_.size()) throw Malformed("a length runs beyond the end");
    const ByteReader taken(bytes_.first(count));
    bytes_ = bytes_.subspan(count);
    return taken;
  }

  template <class Integer>
  Integer fixed() {
    Integer value{};
    std::memcpy(&value, take(sizeof(value)).bytes_.data(), sizeof(value));
    return value;
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = fixed<std::uint8_t>();
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    throw Malformed("a varint has more than ten bytes");
  }

 private:
  std::span<const std::byte> bytes_;
};

// One field of a protocol-buffer message; `number` holds varints and fixed integers, `bytes` the
// rest.
struct ProtoField {
  std::uint64_t id = 0;
  std::uint64_t number = 0;
  ByteReader bytes{{}};
};

inline ProtoField next_field(ByteReader& message) {
  const std::uint64_t tag = message.varint();
  ProtoField field{.id = tag >> 3};
  switch (tag & 7) {
    case 0:
      field.number = message.varint();
      break;
    case 1:
      field.number = message.fixed<std::uint64_t>();
      break;
    case 2:
      field.bytes = message.take(message.varint());
      break;
    case 5:
      field.number = message.fixed<std::uint32_t>();
      break;
    default:
      throw Malformed("a message has a field of an unknown kind");
  }
  return field;
}

}  // namespace counterpoint::inline v1::checkpoint_internal
