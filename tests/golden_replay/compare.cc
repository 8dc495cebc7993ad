#include "golden_replay/compare.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/sha.h>

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

namespace golden {
namespace {

namespace cp = counterpoint;

// Values of one element as the format writes them.
std::uint64_t bits_of(const cp::Tensor& tensor, std::int64_t index) {
  std::uint64_t bits = 0;
  const std::size_t size = cp::dtype_size(tensor.dtype());
  std::memcpy(&bits, tensor.bytes().data() + static_cast<std::size_t>(index) * size, size);
  return bits;
}

std::string text_of(std::uint64_t bits, cp::DType dtype) {
  if (cp::is_floating(dtype)) {
    return fmt::format("{:0{}x}", bits, 2 * cp::dtype_size(dtype));
  }
  switch (dtype) {
    case cp::DType::i32:
      return fmt::format("{}", static_cast<std::int32_t>(bits));
    case cp::DType::i64:
      return fmt::format("{}", static_cast<std::int64_t>(bits));
    default:
      return fmt::format("{}", bits);
  }
}

std::string text_of(const json& want) {
  return want.is_string() ? want.get<std::string>() : want.dump();
}

// f(z) of a z up to `ulps` away.
bool within_slack(std::uint64_t want_bits, const NormalParts& parts, std::size_t i) {
  constexpr int ulps = 2;
  const double want = std::bit_cast<double>(want_bits);
  for (const double direction :
       {-std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()}) {
    double z = parts.standard[i];
    for (int step = 0; step < ulps; ++step) {
      z = std::nextafter(z, direction);
      const double scaled = z * parts.stddev[i];
      const double result = parts.fused ? std::fma(z, parts.stddev[i], parts.mean[i])  //
                                        : scaled + parts.mean[i];
      if (result == want) return true;
    }
  }
  return false;
}

bool agrees(const cp::Tensor& got, std::int64_t index, const json& want, const NormalParts* parts) {
  const std::uint64_t bits = bits_of(got, index);
  const std::string want_text = text_of(want);
  if (cp::is_floating(got.dtype()) != want.is_string()) return false;
  if (text_of(bits, got.dtype()) == want_text) return true;
  if (parts == nullptr || got.dtype() != cp::DType::f64) return false;
  std::uint64_t want_bits = 0;
  const char* end = want_text.data() + want_text.size();
  const auto [stop, error] = std::from_chars(want_text.data(), end, want_bits, 16);
  return error == std::errc() && stop == end && want_text.size() == 16 &&
         within_slack(want_bits, *parts, static_cast<std::size_t>(index));
}

// `want` are the elements of `got` from `from` on.
std::optional<std::string> compare_elements(const cp::Tensor& got, const json& want,
                                            std::int64_t from, const NormalParts* parts) {
  for (std::size_t i = 0; i < want.size(); ++i) {
    const std::int64_t index = from + static_cast<std::int64_t>(i);
    if (!agrees(got, index, want[i], parts)) {
      return fmt::format("element {}: want {}, got {}", index, text_of(want[i]),
                         text_of(bits_of(got, index), got.dtype()));
    }
  }
  return std::nullopt;
}

std::string sha256(std::span<const std::byte> bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

std::optional<std::string> compare_long(const cp::Tensor& got, const json& step,
                                        const NormalParts* parts) {
  const json& first = step.at("first");
  const json& last = step.at("last");
  if (first.size() + last.size() == 0) return "nothing to compare with";
  if (static_cast<std::int64_t>(std::max(first.size(), last.size())) > got.size()) {
    return fmt::format("too short: {} elements", got.size());
  }
  if (auto difference = compare_elements(got, first, 0, parts)) return difference;
  const std::int64_t from = got.size() - static_cast<std::int64_t>(last.size());
  if (auto difference = compare_elements(got, last, from, parts)) return difference;
  if (step.contains("sha256")) {
    const std::string digest = sha256(got.bytes());
    const auto want = step.at("sha256").get<std::string>();
    if (digest != want) return fmt::format("sha256: want {}, got {}", want, digest);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> compare(const cp::Tensor& got, const json& step, const json& want,
                                   const NormalParts* parts) {
  if (want.is_null()) return compare_long(got, step, parts);
  if (static_cast<std::int64_t>(want.size()) != got.size()) {
    return fmt::format("want {} elements, got {}", want.size(), got.size());
  }
  return compare_elements(got, want, 0, parts);
}

std::optional<std::string> compare_state(const cp::Tensor& got, const json& want) {
  const auto words = got.values<std::int64_t>();
  const std::vector<std::int64_t> have(words.begin(), words.end());
  const std::vector<std::int64_t> wanted = as_words(want);
  if (have == wanted) return std::nullopt;
  return fmt::format("state: want {}, got {}", wanted, have);
}

}  // namespace golden
