// Whether many streams have nothing to do with each other.
//
//   Streams streams(4096, 256);                            // 4,096 streams, 256 normals each
//   for (int r = 0; r < 4096; ++r) generator.for_replica(r).fill_normal(streams[r]);
//   for (const Finding& finding : examine(streams)) EXPECT_TRUE(plausible(finding.p)) << finding.what;
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace counterpoint::statistics {

// As many standard normals of each stream.
class Streams {
 public:
  Streams(std::size_t count, std::size_t length) : length_(length), values_(count * length) {}
  std::size_t count() const { return values_.size() / length_; }
  std::size_t length() const { return length_; }
  std::span<float> operator[](std::size_t i) {
    return std::span(values_).subspan(i * length_, length_);
  }
  std::span<const float> operator[](std::size_t i) const {
    return std::span(values_).subspan(i * length_, length_);
  }

 private:
  std::size_t length_;
  std::vector<float> values_;
};

struct Finding {
  std::string what;
  double p;
};

// For right streams every p is uniform:
//   - all values together: Kolmogorov-Smirnov;
//   - the largest correlation of any two of the first 2,048 streams;
//   - correlations of disjoint pairs of streams that are 1, 2, 4, 8, ... apart: Kolmogorov-Smirnov;
//   - across streams: the serial correlation of what they have at one place, at those distances;
//   - each stream's sum of squares, and of neighbouring products: Kolmogorov-Smirnov.
std::vector<Finding> examine(const Streams& streams);

// The largest correlation of a stream of `a` with any of `b`, as a p-value.
Finding largest_cross_correlation(const Streams& a, const Streams& b);

}  // namespace counterpoint::statistics
