// libhdf5 with ownership and exceptions: ids that close themselves, calls that throw, and a session
// that keeps the library quiet and alone.
//
//   const Hdf5Session session(Hdf5Use::writing);
//   const Id type(checked(H5Tcopy(H5T_IEEE_F32LE), "copy a type"), H5Tclose);
//
// The one header that includes hdf5.h; not installed.
// Thread-safety: libhdf5 is used only while a session is alive, and one is at a time.
#pragma once

#include <hdf5.h>

#include <mutex>
#include <string>
#include <utility>

#include "counterpoint/kernels/dtype.h"

namespace counterpoint::inline v1::checkpoint_internal {

enum class Hdf5Use {
  writing,
  closing,  // of what was read: cannot fail
  opening,  // untrusted bytes: loads no plugins. The setting is the process's: for as long as it
            // reads, no other thread's use of libhdf5 finds plugins that are not loaded yet.
  reading,  // of what was opened so
};

// Holds the library: prints nothing, and puts its settings back. Errors: resource_exhausted where
// there is too little memory to write or open.
class Hdf5Session {
 public:
  explicit Hdf5Session(Hdf5Use use);
  Hdf5Session(const Hdf5Session&) = delete;
  Hdf5Session& operator=(const Hdf5Session&) = delete;
  ~Hdf5Session();

 private:
  std::unique_lock<std::mutex> lock_;
  Hdf5Use use_;
  H5E_auto2_t print_ = nullptr;
  void* print_data_ = nullptr;
  unsigned plugins_ = 0;
};

class Id {
 public:
  using Close = herr_t (*)(hid_t);
  Id() = default;
  Id(hid_t id, Close closer) : id_(id), close_(closer) {}
  Id(Id&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Id& operator=(Id&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Id() {
    if (id_ >= 0) close_(id_);
  }
  operator hid_t() const { return id_; }  // NOLINT(google-explicit-constructor)
  // Closes now and says how that went.
  herr_t close() { return close_(std::exchange(id_, -1)); }

 private:
  hid_t id_ = -1;
  Close close_ = nullptr;
};

// What the library's error stack says, innermost call first; empties the stack.
std::string hdf5_error_text();
// Whether the call that failed last failed for want of memory.
bool hdf5_lacks_memory();

// Passes a result on. Errors, with `doing` and the library's own words, if negative: internal;
// resource_exhausted for want of memory.
[[noreturn]] void throw_hdf5_error(const std::string& doing);
template <class Result>
Result checked(Result result, const char* doing) {
  if (result < 0) throw_hdf5_error(doing);
  return result;
}

// The little-endian type in files; f16 and bf16 are float types with their own fields.
Id file_type(DType dtype);

}  // namespace counterpoint::inline v1::checkpoint_internal
