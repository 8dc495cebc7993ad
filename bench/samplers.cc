// Binomial, gamma, Poisson and categorical through the public functions on one core, at parameters
// where a sampler does different things; numpy_samplers.py times NumPy's at the same.
#include <cmath>
#include <functional>

#include "benchmarks.h"
#include "counterpoint/counterpoint.h"
#include "counterpoint/kernels/targets.h"

namespace counterpoint::bench {
namespace {

constexpr std::size_t kValues = 65536;

// Draws into the memory for as many values of its type.
struct Sampler {
  std::string name;
  DType dtype;
  std::size_t values;
  std::function<void(std::byte*)> draw;
};

template <class T, class Fill>
Sampler sampler(const std::string& name, std::size_t values, Fill fill) {
  return {name, dtype_of<T>, values, [values, fill](std::byte* memory) {
            fill(std::span(reinterpret_cast<T*>(memory), values));
          }};
}

// From `low` to `high` in equal steps.
Tensor steps(double low, double high) {
  Tensor result(DType::f64, {static_cast<std::int64_t>(kValues)});
  const std::span<double> values = result.values<double>();
  for (std::size_t i = 0; i < kValues; ++i) {
    values[i] = low + (high - low) * static_cast<double>(i) / (kValues - 1);
  }
  return result;
}

Tensor waves(std::size_t rows, std::size_t classes) {
  Tensor result(DType::f64, {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(classes)});
  const std::span<double> values = result.values<double>();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<double>(i));
  return result;
}

template <class T>
void add_gammas(std::vector<Sampler>& all) {
  const std::pair<const char*, Parameter> alphas[] = {
      {"0.3", 0.3}, {"1", 1.0}, {"2.5", 2.5}, {"100", 100.0}};
  for (const auto& [text, alpha] : alphas) {
    all.push_back(
        sampler<T>("gamma(" + std::string(text) + ")", kValues, [alpha](std::span<T> out) {
          fill_stateless_gamma(out, {1, 2}, alpha);
        }));
  }
}

void add_others(std::vector<Sampler>& all) {
  using Ints = std::span<std::int64_t>;
  all.push_back(
      sampler<double>("gamma(each)", kValues, [alphas = steps(0.5, 20)](std::span<double> out) {
        fill_stateless_gamma(out, {1, 2}, alphas);
      }));
  const std::pair<const char*, Parameter> rates[] = {{"0.5", 0.5},   {"4", 4.0},     {"12", 12.0},
                                                     {"100", 100.0}, {"10000", 1e4}, {"each", 0.0}};
  for (const auto& [text, rate] : rates) {
    const Tensor each = steps(0.5, 20);
    const bool one = text != std::string("each");
    all.push_back(sampler<std::int64_t>("poisson(" + std::string(text) + ")", kValues,
                                        [one, rate, each](Ints out) {
                                          one ? fill_stateless_poisson(out, {1, 2}, rate)
                                              : fill_stateless_poisson(out, {1, 2}, each);
                                        }));
  }
  const std::tuple<const char*, double, double> trials[] = {
      {"10,0.3", 10, 0.3}, {"100,0.5", 100, 0.5}, {"1000,0.1", 1000, 0.1}, {"1e6,0.3", 1e6, 0.3}};
  for (const auto& [text, count, probability] : trials) {
    all.push_back(sampler<std::int64_t>("binomial(" + std::string(text) + ")", kValues,
                                        [count = count, probability = probability](Ints out) {
                                          auto generator = Generator::from_seed(1);
                                          generator.fill_binomial(out, count, probability);
                                        }));
  }
  all.push_back(sampler<std::int64_t>(
      "binomial(40,each)", kValues, [probabilities = steps(0.01, 0.99)](Ints out) {
        fill_stateless_binomial(out, {1, 2}, Tensor::scalar(40.0), probabilities);
      }));
  for (const std::size_t classes : {10u, 1000u}) {
    const std::string name = "categorical(" + std::to_string(classes);
    all.push_back(
        sampler<std::int64_t>(name + ")", kValues, [logits = waves(1, classes)](Ints out) {
          fill_stateless_categorical(out, logits, static_cast<std::int64_t>(out.size()), {1, 2});
        }));
    const std::size_t rows = classes == 10 ? 4096 : 256;
    all.push_back(sampler<std::int64_t>(name + ",a_row_each)", rows,
                                        [logits = waves(rows, classes)](Ints out) {
                                          fill_stateless_categorical(out, logits, 1, {1, 2});
                                        }));
  }
}

void measure(benchmark::State& state, const Sampler& sampler, const std::string& target) {
  const std::size_t bytes = sampler.values * dtype_size(sampler.dtype);
  Buffer expected(bytes);
  {
    const kernels::ForcedTarget forced("scalar");
    sampler.draw(expected.data());
  }
  const kernels::ForcedTarget forced(target);
  Buffer buffer(bytes);
  sampler.draw(buffer.data());
  if (!verified(state, digest({buffer.data(), bytes}), digest({expected.data(), bytes}))) return;
  for (auto _ : state) {
    sampler.draw(buffer.data());
    benchmark::ClobberMemory();
  }
  count_values(state, sampler.values);
}

void register_samplers(bool) {
  std::vector<Sampler> all;
  add_gammas<double>(all);
  add_gammas<float>(all);
  add_others(all);
  for (const Sampler& sampler : all) {
    for (const std::string& target : kernels::available_targets()) {
      const std::string name =
          sampler.name + "/" + std::string(dtype_name(sampler.dtype)) + "/cache/" + target;
      benchmark::RegisterBenchmark(name.c_str(), [sampler, target](benchmark::State& state) {
        measure(state, sampler, target);
      });
    }
  }
}

[[maybe_unused]] const bool added = Suites::add(register_samplers);

}  // namespace
}  // namespace counterpoint::bench
