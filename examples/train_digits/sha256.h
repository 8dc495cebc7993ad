// SHA-256 of bytes, in hexadecimal digits.
//
//   Sha256 digest;
//   digest.add(std::as_bytes(std::span(weights)));
//   std::cout << digest.hex();
//
// Thread-safety: one thread. Source: FIPS 180-4, by OpenSSL's libcrypto.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

struct evp_md_ctx_st;

namespace train_digits {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void add(std::span<const std::byte> bytes);
  // Of all bytes added; nothing can be added afterwards.
  std::string hex();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace train_digits
