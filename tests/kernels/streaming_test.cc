// Fills beyond the cache: which of their stores bypass it, and their bytes where the counter carries.
#include "counterpoint/kernels/simd/streaming.h"

#include <gtest/gtest.h>

#include <memory>

#include "counterpoint/kernels/targets.h"
#include "kernels/fills.h"

#if defined(__linux__) && defined(__x86_64__)
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#endif

namespace counterpoint::kernels_test {
namespace {

using kernels::available_targets;
using kernels::fill_naming_target;
using kernels::ForcedTarget;
using kernels::philox_scalar_stream;
using kernels::philox_stream;

constexpr std::uint64_t kHuge = std::uint64_t{1} << 40;  // elements of a whole that streams

class Streaming : public testing::TestWithParam<std::string> {
 protected:
  const ForcedTarget forced_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Every, Streaming, testing::ValuesIn(available_targets()),
                         [](const auto& target) { return target.param; });

TEST(StreamingThreshold, IsOfBytesOfTheWhole) {
  Fill fill{.dtype = DType::f32, .count = (8 << 20) - 1};
  EXPECT_FALSE(kernels::streams(fill));
  fill.count = 8 << 20;
  EXPECT_TRUE(kernels::streams(fill));
  fill.dtype = DType::f64;
  fill.count = (4 << 20) - 1;
  EXPECT_FALSE(kernels::streams(fill));
  fill.total_count = 4 << 20;
  EXPECT_TRUE(kernels::streams(fill));
}

// After a carry the output may be at any block's place, whatever it was before.
TEST_P(Streaming, CountersThatCarry) {
  constexpr std::uint64_t kCount = 19'990;
  int compared = 0;
  for (Fill fill : every_kind(philox_stream())) {
    fill.total_count = kHuge;
    const std::size_t size = dtype_size(fill.dtype);
    for (const std::uint64_t back : {1u, 2u, 3u, 101u, 102u, 103u, 104u, 1001u, 4990u}) {
      fill.counter = {0x1ffffffffu - back, 3};
      for (const std::uint64_t first : {0u, 3u}) {
        const auto expected = draw_bytes(philox_scalar_stream(), fill, first, kCount);
        const auto out = std::make_unique<std::byte[]>(expected.size() + 128);
        auto* const aligned = reinterpret_cast<std::byte*>(
            (reinterpret_cast<std::uintptr_t>(out.get()) + 63) / 64 * 64);
        fill.first_element = first;
        fill.count = kCount;
        fill.output = aligned;
        aligned[kCount * size] = std::byte{0x5a};
        ASSERT_EQ(fill_naming_target(philox_stream(), fill), GetParam());
        ASSERT_TRUE(same_bytes(aligned, expected)) << describe(fill) << ", carry after " << back;
        ASSERT_EQ(aligned[kCount * size], std::byte{0x5a}) << describe(fill);
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 100);
}

#if defined(__linux__) && defined(__x86_64__) && !defined(__SANITIZE_THREAD__)

// Memory that cannot be written: the first store to each page faults, is looked at, and goes on.
class WatchedPages {
 public:
  static constexpr std::size_t kPage = 4096;
  static constexpr std::size_t kPages = 32;
  enum class Store : std::uint8_t { none, plain, non_temporal };

  WatchedPages() {
    memory_ = static_cast<std::byte*>(
        mmap(nullptr, kPage * kPages, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    watched_ = this;
    struct sigaction action = {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, &before_);
  }
  ~WatchedPages() {
    sigaction(SIGSEGV, &before_, nullptr);
    munmap(memory_, kPage * kPages);
  }
  WatchedPages(const WatchedPages&) = delete;
  WatchedPages& operator=(const WatchedPages&) = delete;

  std::byte* memory() const { return memory_; }
  Store first_store(std::size_t page) const { return stores_[page]; }

 private:
  static void on_fault(int, siginfo_t* info, void* context) {
    const auto offset = static_cast<std::byte*>(info->si_addr) - watched_->memory_;
    if (offset < 0 || offset >= static_cast<std::ptrdiff_t>(kPage * kPages)) {
      sigaction(SIGSEGV, &watched_->before_, nullptr);
      return;
    }
    const std::size_t page = static_cast<std::size_t>(offset) / kPage;
    const auto& registers = static_cast<const ucontext_t*>(context)->uc_mcontext.gregs;
    watched_->stores_[page] = store_at(reinterpret_cast<const std::uint8_t*>(registers[REG_RIP]));
    mprotect(watched_->memory_ + page * kPage, kPage, PROT_READ | PROT_WRITE);
  }

  // MOVNTPS and MOVNTPD are 0F 2B, MOVNTDQ is 0F E7, behind prefixes of SSE, VEX or EVEX.
  static Store store_at(const std::uint8_t* code) {
    std::size_t at = 0;
    if (code[0] == 0xc5) {
      at = 2;
    } else if (code[0] == 0xc4) {
      at = 3;
    } else if (code[0] == 0x62) {
      at = 4;
    } else {
      if (code[at] == 0x66) ++at;
      if ((code[at] & 0xf0) == 0x40) ++at;
      if (code[at] != 0x0f) return Store::plain;
      ++at;
    }
    return code[at] == 0x2b || code[at] == 0xe7 ? Store::non_temporal : Store::plain;
  }

  static inline WatchedPages* watched_ = nullptr;
  std::byte* memory_ = nullptr;
  struct sigaction before_ = {};
  Store stores_[kPages] = {};
};

// The kinds that stream: of 32 and 64 bits, but for the remainders of 64-bit words, which are made in
// the output.
std::vector<Fill> wide_kinds() {
  std::vector<Fill> wide;
  for (const Fill& fill : every_kind(philox_stream())) {
    const std::size_t size = dtype_size(fill.dtype);
    if (size == 8 && fill.distribution == Distribution::uniform_int) continue;
    if (size >= 4) wide.push_back(fill);
  }
  return wide;
}

using Store = WatchedPages::Store;

// From byte `begin` of the first page on, which is looked at if that is 0.
void expect_stores(Fill fill, Store expected, std::size_t begin = 0) {
  const WatchedPages pages;
  fill.count = (WatchedPages::kPage * WatchedPages::kPages - begin) / dtype_size(fill.dtype);
  fill.output = pages.memory() + begin;
  philox_stream().fill(fill);
  for (std::size_t page = begin == 0 ? 0 : 1; page < WatchedPages::kPages; ++page) {
    ASSERT_EQ(static_cast<int>(pages.first_store(page)), static_cast<int>(expected))
        << describe(fill) << ", page " << page;
  }
}

TEST_P(Streaming, LargeFillsBypassTheCacheAndOthersDoNot) {
  // The scalar code has plain stores only.
  const Store beyond = GetParam() == "scalar" ? Store::plain : Store::non_temporal;
  for (Fill fill : wide_kinds()) {
    ASSERT_NO_FATAL_FAILURE(expect_stores(fill, Store::plain));
    fill.total_count = kHuge;
    ASSERT_NO_FATAL_FAILURE(expect_stores(fill, beyond));
  }
}

// malloc's large blocks begin 16 bytes after a page.
TEST_P(Streaming, MallocedMemoryIsAlignedFirst) {
  const Store beyond = GetParam() == "scalar" ? Store::plain : Store::non_temporal;
  for (Fill fill : wide_kinds()) {
    fill.total_count = kHuge;
    ASSERT_NO_FATAL_FAILURE(expect_stores(fill, beyond, 16));
  }
}

TEST_P(Streaming, ACarryInterruptsStreamingOnly) {
  // The scalar code has plain stores only.
  const Store beyond = GetParam() == "scalar" ? Store::plain : Store::non_temporal;
  for (Fill fill : wide_kinds()) {
    if (fill.distribution == Distribution::truncated_normal) continue;  // which jumps to its blocks
    fill.total_count = kHuge;
    const std::size_t blocks_a_page = WatchedPages::kPage / 16;
    // In the middle of a page, at no vector's place, so that pages begin with whole tiles.
    fill.counter = {0x200000000u - (9 * blocks_a_page + 101), 3};
    ASSERT_NO_FATAL_FAILURE(expect_stores(fill, beyond));
  }
}

#endif

}  // namespace
}  // namespace counterpoint::kernels_test
