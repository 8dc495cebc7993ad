// The tests of this folder find what they are for: each planted fault is found, and beyond doubt.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "counterpoint/runtime/generator.h"
#include "statistics/p_values.h"
#include "statistics/streams.h"

namespace counterpoint::statistics {
namespace {

constexpr double kBeyondDoubt = 1e-12;
constexpr std::size_t kStreams = 4096;
constexpr std::size_t kLength = 256;

// Right streams, some of which `plant` spoils.
double least_p(const std::function<void(Streams&)>& plant) {
  const Generator primary = Generator::from_seed(11);
  Streams streams(kStreams, kLength);
  for (std::size_t r = 0; r < kStreams; ++r) {
    primary.for_replica(static_cast<std::int64_t>(r)).fill_normal(streams[r]);
  }
  plant(streams);
  double least = 1;
  for (const Finding& finding : examine(streams)) least = std::min(least, finding.p);
  return least;
}

TEST(PlantedFaults, NoneIsFoundInRightStreams) {
  EXPECT_GT(least_p([](Streams&) {}), kFalseAlarm);
}

TEST(PlantedFaults, TwoReplicasWithOneKey) {
  EXPECT_LT(least_p([](Streams& streams) { std::ranges::copy(streams[7], streams[1800].begin()); }),
            kBeyondDoubt);
}

TEST(PlantedFaults, TwoReplicasWithOppositeNumbers) {
  EXPECT_LT(least_p([](Streams& streams) {
              std::ranges::transform(streams[7], streams[8].begin(), std::negate());
            }),
            kBeyondDoubt);
}

// A twentieth of each stream's numbers comes from its neighbour.
TEST(PlantedFaults, NeighboursThatCorrelateALittle) {
  EXPECT_LT(
      least_p([](Streams& streams) {
        const float own = std::sqrt(1 - 0.05f * 0.05f);
        for (std::size_t r = 0; r + 1 < kStreams; r += 2) {
          for (std::size_t i = 0; i < kLength; ++i) {
            streams[r][i] = own * streams[r][i] + 0.05f * streams[r + 1][i];
          }
        }
      }),
      1e-6);  // 2,048 pairs of correlation 0.05 * 16: eight tenths of a standard deviation each
}

TEST(PlantedFaults, FirstNumbersThatFollowTheReplica) {
  EXPECT_LT(least_p([](Streams& streams) {
              for (std::size_t r = 1; r < kStreams; ++r) {
                streams[r][0] = 0.8f * streams[r][0] + 0.6f * streams[r - 1][0];
              }
            }),
            kBeyondDoubt);
}

TEST(PlantedFaults, AStreamThatRepeatsItsNumbers) {
  EXPECT_LT(least_p([](Streams& streams) {
              for (std::size_t r = 0; r < kStreams; ++r) {
                for (std::size_t i = 1; i < kLength; i += 2) streams[r][i] = streams[r][i - 1];
              }
            }),
            kBeyondDoubt);
}

TEST(PlantedFaults, TwoFamiliesThatShareOneStream) {
  Streams a(256, kLength);
  Streams b(256, kLength);
  Generator::from_seed(1).fill_normal(std::span(a[0].data(), 256 * kLength));
  Generator::from_seed(2).fill_normal(std::span(b[0].data(), 256 * kLength));
  EXPECT_TRUE(plausible(largest_cross_correlation(a, b).p));
  std::ranges::copy(a[17], b[201].begin());
  EXPECT_LT(largest_cross_correlation(a, b).p, kBeyondDoubt);
}

std::vector<std::uint32_t> words() {
  std::vector<std::uint32_t> result(1 << 19);
  Generator::from_seed(3).fill_uniform_full_int(result);
  return result;
}

TEST(PlantedFaults, AStuckBit) {
  std::vector<std::uint32_t> stuck = words();
  EXPECT_TRUE(plausible(bit_test(stuck)));
  for (std::uint32_t& word : stuck) word |= 1u << 9;
  EXPECT_LT(bit_test(stuck), kBeyondDoubt);
}

TEST(PlantedFaults, ABitThatCopiesAnother) {
  std::vector<std::uint32_t> copied = words();
  for (std::uint32_t& word : copied) word = (word & ~2u) | (word >> 30 & 2u);
  EXPECT_LT(bit_test(copied), kBeyondDoubt);
}

std::vector<double> uniforms() {
  std::vector<double> result(1 << 19);
  Generator::from_seed(4).fill_uniform(result);
  return result;
}

TEST(PlantedFaults, UniformsWithAHole) {
  std::vector<double> values = uniforms();
  EXPECT_TRUE(plausible(kolmogorov_smirnov_uniform(values)));
  std::vector<std::uint64_t> counts(256);
  for (double& x : values) {
    if (x > 0.3 && x < 0.31) x += 0.5;
    ++counts[static_cast<std::size_t>(x * 256)];
  }
  EXPECT_LT(kolmogorov_smirnov_uniform(values), kBeyondDoubt);
  EXPECT_LT(chi_square(counts), kBeyondDoubt);
}

TEST(PlantedFaults, AMeanAndAVarianceThatAreOff) {
  const std::vector<double> values = uniforms();
  EXPECT_TRUE(plausible(mean_test(values, 0.5, 1.0 / 12)));
  EXPECT_LT(mean_test(values, 0.503, 1.0 / 12), kBeyondDoubt);
  std::vector<double> squares;
  for (const double x : values) squares.push_back((x - 0.5) * (x - 0.5) * 1.02);
  EXPECT_LT(mean_test(squares, 1.0 / 12, 1.0 / 80 - 1.0 / 144), kBeyondDoubt);
}

TEST(PlantedFaults, NumbersThatFollowTheirForerunners) {
  std::vector<double> values = uniforms();
  EXPECT_TRUE(plausible(serial_correlation(values, 0.5, 1.0 / 12, 16)));
  for (std::size_t i = 16; i < values.size(); ++i)
    values[i] = 0.98 * values[i] + 0.02 * values[i - 16];
  EXPECT_LT(serial_correlation(values, 0.5, 1.0 / 12, 16), kBeyondDoubt);
}

// Published quantiles.
TEST(PValues, AgreeWithTables) {
  EXPECT_NEAR(chi_square_tail(3.841459, 1), 0.05, 1e-7);
  EXPECT_NEAR(chi_square_tail(124.3421, 100), 0.05, 1e-6);
  EXPECT_NEAR(chi_square_tail(1074.679, 1000), 0.05, 1e-5);
  EXPECT_NEAR(normal_tails(1.959964), 0.05, 1e-7);
  EXPECT_NEAR(normal_tails(-5.730729) / 1e-8, 1, 1e-5);
  EXPECT_NEAR(largest_of(1.959964, 2), 0.0975, 1e-6);
  // Kolmogorov's distribution: 1.358099 is passed once in 20 times.
  std::vector<double> shifted(1'000'000);
  for (std::size_t i = 0; i < shifted.size(); ++i) {
    const double distance = 1.358099 / (1000 + 0.12 + 0.11 / 1000);
    shifted[i] = std::min(1.0, static_cast<double>(i + 1) / 1e6 - 1e-6 + distance);
  }
  EXPECT_NEAR(kolmogorov_smirnov_uniform(shifted), 0.05, 1e-4);
}

}  // namespace
}  // namespace counterpoint::statistics
