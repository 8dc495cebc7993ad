// Intel MKL's Philox4x32-10 on one core: words, uniforms, and Box-Muller normals.
#include <mkl_vsl.h>

#include "benchmarks.h"
#include "counterpoint/kernels/philox.h"

namespace counterpoint::bench {
namespace {

class Stream {
 public:
  Stream() { vslNewStream(&stream_, VSL_BRNG_PHILOX4X32X10, 5); }
  ~Stream() { vslDeleteStream(&stream_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  VSLStreamStatePtr get() const { return stream_; }

 private:
  VSLStreamStatePtr stream_ = nullptr;
};

const Stream& stream() {
  static const Stream instance;
  return instance;
}

bool same_words(std::span<const std::uint32_t>) {
  const Stream fresh;
  std::uint32_t words[8];
  viRngUniformBits32(VSL_RNG_METHOD_UNIFORMBITS32_STD, fresh.get(), 8, words);
  const auto block = kernels::philox_block({0, 0}, 5);
  return std::equal(block.begin(), block.end(), words);
}

template <class T>
bool plausible_normal(std::span<const T> values) {
  return plausible(values, 0, 1);
}
template <class T>
bool plausible_uniform(std::span<const T> values) {
  return plausible(values, 0.5, 1.0 / 12);
}

void register_mkl(bool small) {
  register_both<std::uint32_t>(
      "full_int/u32", "MKL", small,
      [](std::uint32_t* out, std::size_t n) {
        viRngUniformBits32(VSL_RNG_METHOD_UNIFORMBITS32_STD, stream().get(),
                           static_cast<MKL_INT>(n), out);
      },
      same_words);
  register_both<float>(
      "uniform/f32", "MKL", small,
      [](float* out, std::size_t n) {
        vsRngUniform(VSL_RNG_METHOD_UNIFORM_STD, stream().get(), static_cast<MKL_INT>(n), out, 0,
                     1);
      },
      plausible_uniform<float>);
  register_both<double>(
      "uniform/f64", "MKL", small,
      [](double* out, std::size_t n) {
        vdRngUniform(VSL_RNG_METHOD_UNIFORM_STD, stream().get(), static_cast<MKL_INT>(n), out, 0,
                     1);
      },
      plausible_uniform<double>);
  register_both<float>(
      "normal/f32", "MKL", small,
      [](float* out, std::size_t n) {
        vsRngGaussian(VSL_RNG_METHOD_GAUSSIAN_BOXMULLER2, stream().get(), static_cast<MKL_INT>(n),
                      out, 0, 1);
      },
      plausible_normal<float>);
  register_both<double>(
      "normal/f64", "MKL", small,
      [](double* out, std::size_t n) {
        vdRngGaussian(VSL_RNG_METHOD_GAUSSIAN_BOXMULLER2, stream().get(), static_cast<MKL_INT>(n),
                      out, 0, 1);
      },
      plausible_normal<double>);
}

const bool kAdded = Suites::add(register_mkl);

}  // namespace
}  // namespace counterpoint::bench
