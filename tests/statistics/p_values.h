// Tests of random numbers, each giving the probability that right numbers would look at least as
// odd.
//
//   const double p = kolmogorov_smirnov(values, normal_cdf);
//   EXPECT_TRUE(plausible(p));               // 1e-8 < p < 1 - 1e-8
//
// A p-value of right numbers is uniform, so that with other seeds one in fifty million is not
// plausible (kFalseAlarm); the folder has about 1,400 of them, so that it would fail once in 35,000
// changes of its seeds. Seeds are fixed: a test passes always or never.
//
// Exact for the numbers that are tested here (tens of thousands and more): normal limits of sums
// are off by less than a hundredth of p where p matters.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace counterpoint::statistics {

inline constexpr double kFalseAlarm = 2e-8;

// Whether neither p nor 1 - p is below half of that.
testing::AssertionResult plausible(double p);

// P(Z <= z) of a standard normal.
double normal_cdf(double z);
// Both tails: P(|Z| >= |z|).
double normal_tails(double z);
// P(X >= x) of a chi-square variable with so many degrees of freedom.
double chi_square_tail(double x, double degrees);
// Of the largest of `count` |z|: at most this (Bonferroni, so they may depend on each other).
double largest_of(double z, double count);

// The mean's distance from `mean`, given the variance of one value.
double mean_test(std::span<const double> values, double mean, double variance);

// Pearson's test of counts against the probabilities of their bins. Errors: fails the test if an
// expectation is below 10.
double chi_square(std::span<const std::uint64_t> counts, std::span<const double> probabilities);
// Of equally probable bins.
double chi_square(std::span<const std::uint64_t> counts);

// The largest distance between the values' distribution and `cdf`, in Kolmogorov's limit with
// Stephens' correction (Journal of the Royal Statistical Society B 32, 1970).
double kolmogorov_smirnov(std::vector<double> values, const std::function<double(double)>& cdf);
// Of standard normals, and of uniforms on [0, 1].
double kolmogorov_smirnov_normal(std::vector<double> values);
double kolmogorov_smirnov_uniform(std::vector<double> values);

// Sum of (x[i] - mean) * (x[i + lag] - mean): normal of variance n * variance^2.
double serial_correlation(std::span<const double> values, double mean, double variance,
                          std::size_t lag);

// Each of the 32 bits of the words is set half of the time, and each pair of bits alike half of it.
double bit_test(std::span<const std::uint32_t> words);

}  // namespace counterpoint::statistics
