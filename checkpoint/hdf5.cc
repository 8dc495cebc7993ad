#include "counterpoint/checkpoint/internal/hdf5.h"

#include <fmt/format.h>

#include <cstring>
#include <new>

#include "counterpoint/checkpoint/internal/file_bytes.h"
#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

// libhdf5 does not survive a lack of memory everywhere: it is not called where there is less than
// it needs for thousands of objects.
constexpr std::size_t room_bytes = 3 << 20;

std::mutex& library_mutex() {
  static std::mutex mutex;
  return mutex;
}

bool reads_untrusted(Hdf5Use use) { return use == Hdf5Use::opening || use == Hdf5Use::reading; }

Id small_float(std::size_t sign, std::size_t exponent, std::size_t exponent_bits, int bias) {
  Id type(checked(H5Tcopy(H5T_IEEE_F32LE), "copy a float type"), H5Tclose);
  // The fields first: the size may not cut them off.
  checked(H5Tset_fields(type, sign, exponent, exponent_bits, 0, exponent), "set float fields");
  checked(H5Tset_size(type, 2), "set a float's size");
  checked(H5Tset_ebias(type, static_cast<std::size_t>(bias)), "set a float's bias");
  return type;
}

}  // namespace

Hdf5Session::Hdf5Session(Hdf5Use use) : lock_(library_mutex()), use_(use) {
  if (use_ == Hdf5Use::writing || use_ == Hdf5Use::opening) {
    FileBytes::allocate(room_bytes);
    checked(H5open(), "start libhdf5");
  }
  H5Eget_auto2(H5E_DEFAULT, &print_, &print_data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  if (!reads_untrusted(use_)) return;
  H5PLget_loading_state(&plugins_);
  H5PLset_loading_state(0);
}

Hdf5Session::~Hdf5Session() {
  if (reads_untrusted(use_)) H5PLset_loading_state(plugins_);
  H5Eset_auto2(H5E_DEFAULT, print_, print_data_);
}

std::string hdf5_error_text() {
  std::string text;
  // Nothing may be thrown through libhdf5, which would stay locked. What it lacked memory for is null.
  const auto add = [](unsigned depth, const H5E_error2_t* error, void* data) noexcept -> herr_t {
    if (depth >= 3) return 0;
    try {
      auto& all = *static_cast<std::string*>(data);
      const auto text_of = [](const char* given) { return given == nullptr ? "?" : given; };
      all += fmt::format("{}{}: {}", all.empty() ? "" : ", ", text_of(error->func_name),
                         text_of(error->desc));
    } catch (const std::bad_alloc&) {
      return -1;
    }
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, add, &text);
  H5Eclear2(H5E_DEFAULT);
  return text;
}

bool hdf5_lacks_memory() {
  const auto look = [](unsigned, const H5E_error2_t* error, void* data) -> herr_t {
    // Some calls give another number.
    *static_cast<bool*>(data) |=
        error->min_num == H5E_NOSPACE || error->min_num == H5E_CANTALLOC ||
        (error->desc != nullptr && std::strstr(error->desc, "allocation failed") != nullptr);
    return 0;
  };
  bool lacks = false;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, look, &lacks);
  return lacks;
}

void throw_hdf5_error(const std::string& doing) {
  // In this order: the text empties the stack.
  const ErrorCode code = hdf5_lacks_memory() ? ErrorCode::resource_exhausted : ErrorCode::internal;
  throw Error(code, fmt::format("libhdf5 could not {} ({})", doing, hdf5_error_text()));
}

Id file_type(DType dtype) {
  const auto standard = [](hid_t type) {
    return Id(checked(H5Tcopy(type), "copy a type"), H5Tclose);
  };
  switch (dtype) {
    case DType::f16:
      return small_float(15, 10, 5, 15);
    case DType::bf16:
      return small_float(15, 7, 8, 127);
    case DType::f32:
      return standard(H5T_IEEE_F32LE);
    case DType::f64:
      return standard(H5T_IEEE_F64LE);
    case DType::i32:
      return standard(H5T_STD_I32LE);
    case DType::i64:
      return standard(H5T_STD_I64LE);
    case DType::u32:
      return standard(H5T_STD_U32LE);
    case DType::u64:
      break;
  }
  return standard(H5T_STD_U64LE);
}

}  // namespace counterpoint::inline v1::checkpoint_internal
