// Goodness of fit: Pearson's chi-square of drawn values against an exact distribution function.
//
//   const double p = chi_square_p_value(values, edges, [](double x) { return exact_cdf(x); });
//   EXPECT_GT(p, kFalseAlarm);  // for a right sampler and another seed, fails once in a million
//
// Seeds are fixed, so a test either passes always or never.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <vector>

namespace counterpoint {

inline constexpr double kFalseAlarm = 1e-6;

// P(a, x) and Q = 1 - P, the regularised incomplete gamma functions, by the series and by Lentz's
// continued fraction. Abramowitz and Stegun 6.5.29 and 6.5.31.
inline double gamma_q(double a, double x) {
  if (x <= 0) return 1;
  const double front = std::exp(a * std::log(x) - x - std::lgamma(a));
  if (x < a + 1) {
    double term = 1 / a;
    double sum = term;
    for (double n = a + 1; term > sum * 1e-17; ++n) {
      term *= x / n;
      sum += term;
    }
    return 1 - front * sum;
  }
  constexpr double kTiny = 1e-300;
  double b = x + 1 - a;
  double c = 1 / kTiny;
  double d = 1 / b;
  double h = d;
  for (double i = 1; i < 1e7; ++i) {
    const double an = -i * (i - a);
    b += 2;
    d = an * d + b;
    if (std::fabs(d) < kTiny) d = kTiny;
    c = b + an / c;
    if (std::fabs(c) < kTiny) c = kTiny;
    d = 1 / d;
    const double step = d * c;
    h *= step;
    if (std::fabs(step - 1) < 1e-15) break;
  }
  return front * h;
}
inline double gamma_p(double a, double x) { return 1 - gamma_q(a, x); }
inline double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

// The probability that a right sampler's counts would differ more than these from what is expected.
inline double chi_square_p_value(std::span<const double> observed,
                                 std::span<const double> expected) {
  double sum = 0;
  for (std::size_t i = 0; i < observed.size(); ++i) {
    const double difference = observed[i] - expected[i];
    sum += difference * difference / expected[i];
  }
  return gamma_q(static_cast<double>(observed.size() - 1) / 2, sum / 2);
}

// Bins are (edge[i - 1], edge[i]], open at both ends; those with an expectation below 10 are joined
// with the next.
inline double chi_square_p_value(std::vector<double> values, const std::vector<double>& edges,
                                 const std::function<double(double)>& cdf) {
  std::ranges::sort(values);
  const auto count = static_cast<double>(values.size());
  std::vector<double> observed;
  std::vector<double> expected;
  double below = 0;
  double probability_below = 0;
  const auto close_bin = [&](double now_below, double probability) {
    const double expectation = count * (probability - probability_below);
    if (expectation < 10) return;
    observed.push_back(now_below - below);
    expected.push_back(expectation);
    below = now_below;
    probability_below = probability;
  };
  for (const double edge : edges) {
    const auto at = std::ranges::upper_bound(values, edge) - values.begin();
    if (count * (1 - cdf(edge)) < 10) break;
    close_bin(static_cast<double>(at), cdf(edge));
  }
  close_bin(count, 1);
  EXPECT_GE(observed.size(), 4u) << "too few bins to test anything";
  return chi_square_p_value(observed, expected);
}

}  // namespace counterpoint
