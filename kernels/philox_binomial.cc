// TensorFlow's binomial sampler: inversion for small means, BTRS for large ones.
// Sources: Kachitvichyanukul and Schmeiser, CACM 31 (1988), for inversion by geometric steps;
// Hormann, "The generation of binomial random variates" (1993), for BTRS; docs/streams.md
// section 11.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "counterpoint/kernels/internal/chunked_draw.h"
#include "counterpoint/kernels/internal/math.h"
#include "counterpoint/kernels/internal/stirling_tail.h"

namespace counterpoint::inline v1::kernels {
namespace {

constexpr std::uint64_t kBlocksPerInversion = 42;

// Inversion for n trials of probability p <= 1/2, n p < 10.
class GeometricSteps {
 public:
  GeometricSteps(double n, double p) : n_(n), log_of_failure_(math::log1p(-p)) {}

  double draw(PhiloxBlocks blocks) const {
    ReversedUniforms uniforms(blocks);
    double sum = 0;
    double successes = 0;
    while (true) {
      sum += std::ceil(math::log(uniforms.next()) / log_of_failure_);
      if (sum > n_) return successes;
      successes += 1;
    }
  }

 private:
  double n_;
  double log_of_failure_;
};

// BTRS for n trials of probability p <= 1/2, n p >= 10.
class Btrs {
 public:
  Btrs(double n, double p) : n_(n) {
    const double deviation = std::sqrt(n * p * (1 - p));
    b_ = 1.15 + 2.53 * deviation;
    a_ = -0.0873 + 0.0248 * b_ + 0.01 * p;
    c_ = n * p + 0.5;
    v_r_ = 0.92 - 4.2 / b_;
    r_ = p / (1 - p);
    alpha_ = (2.83 + 5.1 / b_) * deviation;
    m_ = std::floor((n + 1) * p);
    log_at_mode_ = (m_ + 0.5) * math::log((m_ + 1) / (r_ * (n - m_ + 1)));
    tail_of_m_ = stirling_tail(m_);
    tail_of_rest_ = stirling_tail(n - m_);
  }

  double draw(PhiloxBlocks blocks) const {
    ReversedUniforms uniforms(blocks);
    while (true) {
      const double u = uniforms.next() - 0.5;
      double v = uniforms.next();
      const double us = 0.5 - std::fabs(u);
      const double k = std::floor((2 * a_ / us + b_) * u + c_);
      if (us >= 0.07 && v <= v_r_) return k;
      if (!(k >= 0 && k <= n_)) continue;
      v = math::log(v * alpha_ / (a_ / (us * us) + b_));
      const double bound = log_at_mode_ + (n_ + 1) * math::log((n_ - m_ + 1) / (n_ - k + 1)) +
                           (k + 0.5) * math::log(r_ * (n_ - k + 1) / (k + 1)) + tail_of_m_ +
                           tail_of_rest_ - stirling_tail(k) - stirling_tail(n_ - k);
      if (v <= bound) return k;
    }
  }

 private:
  double n_;
  double a_;
  double b_;
  double c_;
  double v_r_;
  double r_;
  double alpha_;
  double m_;
  double log_at_mode_;
  double tail_of_m_;
  double tail_of_rest_;
};

float as_parameter(Float16 x) { return x.to_float(); }
float as_parameter(float x) { return x; }
double as_parameter(double x) { return x; }

// Parameter arithmetic is in P: f16 is rounded after each operation.
template <class P, class V>
V rounded(V x) {
  if constexpr (std::is_same_v<P, Float16>) return Float16::from_float(x).to_float();
  return x;
}

enum class Method { certain, steps, btrs };

// How to draw for one pair of parameters: n successes or failures of probability p <= 1/2.
struct Trials {
  Method method = Method::certain;
  bool failures = false;  // what is drawn are failures
  double n = 0;
  double p = 0;
  double certain = 0;

  double draw(PhiloxBlocks blocks) const {
    return method == Method::btrs ? Btrs(n, p).draw(blocks) : GeometricSteps(n, p).draw(blocks);
  }
  double successes(double drawn) const { return failures ? n - drawn : drawn; }
};

template <class P>
Trials trials_of(P count_bits, P probability_bits) {
  const auto count = as_parameter(count_bits);
  const auto probability = as_parameter(probability_bits);
  using V = std::remove_const_t<decltype(count)>;
  if (std::isnan(count) || std::isnan(probability)) {
    return {.certain = std::numeric_limits<double>::quiet_NaN()};
  }
  if (count <= 0 || probability <= 0) return {.certain = 0};
  if (probability >= 1) return {.certain = count};
  const bool failures = probability > V(0.5);
  const V p = failures ? rounded<P, V>(V(1) - probability) : probability;
  const bool large = rounded<P, V>(count * p) >= V(10);
  return {.method = large ? Method::btrs : Method::steps, .failures = failures, .n = count, .p = p};
}

// A fill with its parameters' type.
template <class P>
class BinomialDraw {
 public:
  explicit BinomialDraw(const BinomialFill& fill)
      : draw_{.batch = fill.batch,
              .samples = fill.samples,
              .key = fill.key,
              .counter = fill.counter,
              .output = fill.output,
              .first_element = fill.first_element,
              .count = fill.count},
        counts_(static_cast<const P*>(fill.counts)),
        probabilities_(static_cast<const P*>(fill.probabilities)) {}

  template <class T>
  const char* fill() const {
    if (!worth_chunks(draw_)) {
      fill_scalar<T>();
      return "scalar";
    }
    return draw_.batch == 1 ? fill_alike<T>() : fill_mixed<T>();
  }

  template <class T>
  void fill_scalar() const {
    T* const out = static_cast<T*>(draw_.output);
    for_each_stream(draw_, [&](std::uint64_t i, std::uint64_t b, std::uint64_t stream) {
      const Trials trials = trials_at(b);
      if (trials.method == Method::certain) {
        out[i] = sample_cast<T>(trials.certain);
        return;
      }
      const std::uint64_t blocks =
          trials.method == Method::btrs ? kBlocksPerStream : kBlocksPerInversion;
      const double drawn = trials.draw({draw_.counter + blocks * stream, draw_.key});
      out[i] = sample_cast<T>(trials.successes(drawn));
    });
  }

 private:
  Trials trials_at(std::uint64_t b) const { return trials_of(counts_[b], probabilities_[b]); }

  template <class T>
  const char* fill_alike() const {
    const Trials trials = trials_at(0);
    if (trials.method == Method::certain) {
      std::fill_n(static_cast<T*>(draw_.output), draw_.count, sample_cast<T>(trials.certain));
      return "scalar";
    }
    if (trials.method == Method::btrs) {
      BinomialChunk chunk(draw_.key, draw_.counter.high);
      return fill_by<T>(trials, Btrs(trials.n, trials.p), kBlocksPerStream, chunk);
    }
    BinomialStepChunk chunk(draw_.key, draw_.counter.high);
    return fill_by<T>(trials, GeometricSteps(trials.n, trials.p), kBlocksPerInversion, chunk);
  }

  template <class T, class Method, class Chunk>
  const char* fill_by(const Trials& trials, const Method& method, std::uint64_t blocks_per_stream,
                      Chunk& chunk) const {
    chunk.uniform = true;
    chunk.n[0] = trials.n;
    chunk.p[0] = trials.p;
    const auto redo = [&](std::uint64_t, PhiloxBlocks blocks) { return method.draw(blocks); };
    return draw_alike<T>(draw_, blocks_per_stream, chunk, redo, [&](std::uint64_t, double x) {
      return sample_cast<T>(trials.successes(x));
    });
  }

  template <class T>
  const char* fill_mixed() const {
    T* const out = static_cast<T*>(draw_.output);
    OutputsOfAKind<BinomialStepChunk, T> steps(draw_, kBlocksPerInversion);
    OutputsOfAKind<BinomialChunk, T> btrs(draw_, kBlocksPerStream);
    const auto redo = [&](std::uint64_t b, PhiloxBlocks blocks) {
      return trials_at(b).draw(blocks);
    };
    const auto cast = [&](std::uint64_t b, double x) {
      return sample_cast<T>(trials_at(b).successes(x));
    };
    for_each_stream(draw_, [&](std::uint64_t i, std::uint64_t b, std::uint64_t stream) {
      const Trials trials = trials_at(b);
      const auto place = [&](auto& chunk, std::uint64_t n) {
        chunk.n[n] = trials.n;
        chunk.p[n] = trials.p;
      };
      if (trials.method == Method::certain) {
        out[i] = sample_cast<T>(trials.certain);
      } else if (trials.method == Method::btrs) {
        btrs.add(i, b, stream, place, redo, cast);
      } else {
        steps.add(i, b, stream, place, redo, cast);
      }
    });
    steps.flush(redo, cast);
    btrs.flush(redo, cast);
    if (steps.target() != nullptr) return steps.target();
    return btrs.target() != nullptr ? btrs.target() : "scalar";
  }

  BatchedDraw draw_;
  const P* counts_;
  const P* probabilities_;
};

// Calls visit(BinomialDraw<P>, T) with the types of parameters and outputs.
template <class Visit>
auto visit_types(const BinomialFill& fill, Visit visit) {
  const auto with_output = [&](const auto& draw) {
    switch (fill.dtype) {
      case DType::f16:
        return visit(draw, Float16{});
      case DType::f64:
        return visit(draw, double{});
      case DType::i32:
        return visit(draw, std::int32_t{});
      case DType::i64:
        return visit(draw, std::int64_t{});
      default:
        return visit(draw, float{});
    }
  };
  if (fill.parameter_dtype == DType::f16) return with_output(BinomialDraw<Float16>(fill));
  if (fill.parameter_dtype == DType::f64) return with_output(BinomialDraw<double>(fill));
  return with_output(BinomialDraw<float>(fill));
}

}  // namespace

const char* fill_philox_binomial(const BinomialFill& fill) {
  return visit_types(fill, []<class T>(const auto& draw, T) { return draw.template fill<T>(); });
}

void fill_philox_binomial_scalar(const BinomialFill& fill) {
  visit_types(fill, []<class T>(const auto& draw, T) { draw.template fill_scalar<T>(); });
}

}  // namespace counterpoint::inline v1::kernels
