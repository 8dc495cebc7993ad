#include "statistics/streams.h"

#include <algorithm>
#include <cmath>

#include "statistics/p_values.h"

namespace counterpoint::statistics {
namespace {

double dot(std::span<const float> a, std::span<const float> b) {
  // Eight sums, so that the compiler may use vectors without being allowed to reorder.
  float sums[8] = {};
  for (std::size_t i = 0; i + 8 <= a.size(); i += 8) {
    for (std::size_t j = 0; j < 8; ++j) sums[j] += a[i + j] * b[i + j];
  }
  double sum = 0;
  for (const float s : sums) sum += s;
  return sum;
}

double norm(std::span<const float> a) { return std::sqrt(dot(a, a)); }

// Given b, the correlation of a right a with it is a standard normal.
double correlation(std::span<const float> a, std::span<const float> b) {
  return dot(a, b) / norm(b);
}

std::string at_distance(std::string what, std::size_t distance) {
  return std::move(what) + " at distance " + std::to_string(distance);
}

Finding largest_correlation(const Streams& streams) {
  const std::size_t n = std::min<std::size_t>(streams.count(), 2048);
  std::vector<double> norms;
  for (std::size_t i = 0; i < n; ++i) norms.push_back(norm(streams[i]));
  double largest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      largest = std::max(largest, std::abs(dot(streams[i], streams[j])) / norms[j]);
    }
  }
  const auto pairs = static_cast<double>(n * (n - 1) / 2);
  return {"largest correlation of two streams", largest_of(largest, pairs)};
}

}  // namespace

std::vector<Finding> examine(const Streams& streams) {
  const std::size_t n = streams.count();
  const auto length = static_cast<double>(streams.length());
  std::vector<Finding> findings{largest_correlation(streams)};

  std::vector<double> all;
  std::vector<double> squares;
  std::vector<double> products;
  for (std::size_t i = 0; i < n; ++i) {
    const std::span<const float> stream = streams[i];
    all.insert(all.end(), stream.begin(), stream.end());
    // Of mean `length` and variance 2 * length; of mean 0 and variance length - 1.
    squares.push_back(1 - chi_square_tail(dot(stream, stream), length));
    double product = 0;
    for (std::size_t k = 1; k < stream.size(); ++k) product += stream[k - 1] * stream[k];
    products.push_back(product / std::sqrt(length - 1));
  }
  findings.push_back({"all values", kolmogorov_smirnov_normal(std::move(all))});
  findings.push_back({"sums of squares", kolmogorov_smirnov_uniform(std::move(squares))});
  // A sum of some hundred products is not quite normal: test their mean and variance only.
  findings.push_back({"serial products, mean", mean_test(products, 0, 1)});

  for (std::size_t distance = 1; distance <= n / 4; distance *= 2) {
    std::vector<double> correlations;
    for (std::size_t i = 0; i + distance < n; ++i) {
      if (i / distance % 2 == 0) {
        correlations.push_back(correlation(streams[i], streams[i + distance]));
      }
    }
    findings.push_back({at_distance("correlations of pairs", distance),
                        kolmogorov_smirnov_normal(std::move(correlations))});
  }
  for (const std::size_t place : {std::size_t{0}, std::size_t{1}, streams.length() - 1}) {
    std::vector<double> across;
    for (std::size_t i = 0; i < n; ++i) across.push_back(streams[i][place]);
    const std::string where = ", place " + std::to_string(place);
    findings.push_back({"values across streams" + where, kolmogorov_smirnov_normal(across)});
    for (std::size_t distance = 1; distance <= n / 4; distance *= 2) {
      findings.push_back({at_distance("correlation across streams" + where, distance),
                          serial_correlation(across, 0, 1, distance)});
    }
  }
  return findings;
}

Finding largest_cross_correlation(const Streams& a, const Streams& b) {
  double largest = 0;
  for (std::size_t j = 0; j < b.count(); ++j) {
    const double length = norm(b[j]);
    for (std::size_t i = 0; i < a.count(); ++i) {
      largest = std::max(largest, std::abs(dot(a[i], b[j])) / length);
    }
  }
  return {"largest correlation of two families",
          largest_of(largest, static_cast<double>(a.count()) * static_cast<double>(b.count()))};
}

}  // namespace counterpoint::statistics
