// Replays TensorFlow's recorded draws through the kernels alone: generators outside strategies, and
// stateless functions. An operation it does not know must be one that belongs to runtime.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "kernels/fills.h"

namespace counterpoint::kernels_test {
namespace {

using kernels::BinomialFill;
using kernels::Counter;
using kernels::philox_stream;
using nlohmann::json;

json load(const std::string& name) {
  std::ifstream file(std::string(COUNTERPOINT_GOLDEN_DIR) + "/" + name);
  if (!file) ADD_FAILURE() << "cannot read " << name;
  return json::parse(file);
}

struct Origin {
  Counter counter;
  std::uint64_t key = 0;
};

DType dtype_named(const std::string& name) {
  for (int i = 0; i < 8; ++i) {
    if (dtype_name(static_cast<DType>(i)) == name) return static_cast<DType>(i);
  }
  throw std::runtime_error("unknown dtype " + name);
}

std::uint64_t bits_of(const json& value) {
  if (value.is_string()) return std::stoull(value.get<std::string>(), nullptr, 16);
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  return static_cast<std::uint64_t>(value.get<std::int64_t>());
}

// A Python double becomes f16 or bf16 through f32.
double parameter(const json& value, DType dtype) {
  const double x = value.get<double>();
  switch (dtype) {
    case DType::f64:
      return x;
    case DType::f16:
      return Float16::from_float(static_cast<float>(x)).to_float();
    case DType::bf16:
      return BFloat16::from_float(static_cast<float>(x)).to_float();
    default:
      return static_cast<float>(x);
  }
}

double difference_in_type(double high, double low, DType dtype) {
  return dtype == DType::f64 ? high - low
                             : parameter(static_cast<float>(high) - static_cast<float>(low), dtype);
}

class Replay {
 public:
  explicit Replay(std::string name) : name_(std::move(name)) {}

  // Returns whether the step is a draw that the kernels make.
  bool draw_step(const json& step, std::string op, const Origin& origin) {
    if (op == "binomial") {
      binomial(step, origin);
      return true;
    }
    const bool integral = op == "uniform" && !is_floating(dtype_named(step["dtype"]));
    static const std::map<std::string, Distribution> kKnown = {
        {"uniform_full_int", Distribution::uniform_full_int},
        {"uniform", Distribution::uniform},
        {"normal", Distribution::normal},
        {"truncated_normal", Distribution::truncated_normal},
    };
    const auto known = kKnown.find(op);
    if (known == kKnown.end()) return false;
    Fill fill{.distribution = integral ? Distribution::uniform_int : known->second,
              .dtype = dtype_named(step["dtype"]),
              .key = origin.key,
              .counter = origin.counter};
    if (integral) {
      fill.low = bits_of(step["minval"]);
      fill.range = bits_of(step["maxval"]) - fill.low;
    } else if (op == "uniform") {
      fill.scaled = true;
      fill.offset = parameter(step["minval"], fill.dtype);
      fill.scale =
          difference_in_type(parameter(step["maxval"], fill.dtype), fill.offset, fill.dtype);
    } else if (op != "uniform_full_int") {
      fill.scaled = true;
      fill.offset = parameter(step["mean"], fill.dtype);
      fill.scale = parameter(step["stddev"], fill.dtype);
    }
    std::uint64_t count = 1;
    for (const json& side : step["shape"]) count *= side.get<std::uint64_t>();
    compare(step, fill, draw_bytes(philox_stream(), fill, 0, count));
    return true;
  }

  int values() const { return values_; }

 private:
  static std::uint64_t element(const std::vector<std::byte>& bytes, std::size_t i, DType dtype) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, bytes.data() + i * dtype_size(dtype), dtype_size(dtype));
    if (dtype == DType::i32) return static_cast<std::uint64_t>(static_cast<std::int32_t>(bits));
    return bits;
  }

  void compare(const json& step, const Fill& fill, const std::vector<std::byte>& got) {
    const std::size_t count = got.size() / dtype_size(fill.dtype);
    if (step.contains("want")) {
      ASSERT_EQ(step["want"].size(), count) << name_;
      for (std::size_t i = 0; i < count; ++i) compare_value(step["want"][i], fill, got, i);
    } else {
      for (std::size_t i = 0; i < 4; ++i) {
        compare_value(step["first"][i], fill, got, i);
        compare_value(step["last"][i], fill, got, count - 4 + i);
      }
      if (step.contains("sha256")) {
        EXPECT_EQ(sha256(got), step["sha256"].get<std::string>()) << name_;
      }
    }
  }

  void compare_value(const json& want, const Fill& fill, const std::vector<std::byte>& got,
                     std::size_t i) {
    ++values_;
    const std::uint64_t expected = bits_of(want);
    const std::uint64_t actual = element(got, i, fill.dtype);
    if (fill.dtype == DType::f64 && fill.distribution != Distribution::uniform) {
      // 2 ULP of the standard normal: scaled by stddev, which cancellation with the mean magnifies.
      const auto a = std::bit_cast<double>(actual);
      const auto b = std::bit_cast<double>(expected);
      const double standard = (b - fill.offset) / fill.scale;
      const double tolerance =
          2 * std::abs(fill.scale) * std::abs(std::nextafter(standard, 9.0) - standard) +
          std::abs(std::nextafter(b, 1e9) - b) * (fill.offset != 0 || fill.scale != 1);
      EXPECT_LE(std::abs(a - b), tolerance) << name_ << " " << describe(fill) << " [" << i << "]";
      return;
    }
    EXPECT_EQ(actual, expected) << name_ << " " << describe(fill) << " [" << i << "]";
  }

  template <class P>
  static std::vector<std::byte> parameters(const json& values, std::size_t batch) {
    std::vector<std::byte> bytes(batch * sizeof(P));
    for (std::size_t b = 0; b < batch; ++b) {
      const json& value = values.is_array() ? values[values.size() == 1 ? 0 : b] : values;
      P p{};
      if constexpr (std::is_same_v<P, Float16>) {
        p = Float16::from_float(value.get<float>());
      } else {
        p = value.get<P>();
      }
      std::memcpy(bytes.data() + b * sizeof(P), &p, sizeof(P));
    }
    return bytes;
  }

  void binomial(const json& step, const Origin& origin) {
    std::uint64_t total = 1;
    for (const json& side : step["shape"]) total *= side.get<std::uint64_t>();
    std::uint64_t batch = 1;
    for (const char* name : {"counts", "probs"}) {
      if (step[name].is_array()) batch = std::max<std::uint64_t>(batch, step[name].size());
    }
    if (total == 0) return;
    const auto counts = parameters<float>(step["counts"], batch);
    const auto probabilities = parameters<float>(step["probs"], batch);
    BinomialFill fill{.dtype = dtype_named(step["dtype"]),
                      .counts = counts.data(),
                      .probabilities = probabilities.data(),
                      .batch = batch,
                      .samples = total / batch,
                      .key = origin.key,
                      .counter = origin.counter};
    // In two slices: each must be the slice of the whole.
    std::vector<std::byte> got(total * dtype_size(fill.dtype));
    for (const auto& [first, count] :
         {std::pair{std::uint64_t{0}, total / 3}, {total / 3, total - total / 3}}) {
      fill.first_element = first;
      fill.count = count;
      fill.output = got.data() + first * dtype_size(fill.dtype);
      philox_stream().fill_binomial(fill);
    }
    for (std::size_t i = 0; i < total; ++i) {
      ++values_;
      EXPECT_EQ(element(got, i, fill.dtype), bits_of(step["want"][i]))
          << name_ << " binomial [" << i << "]";
    }
  }

  std::string name_;
  int values_ = 0;
};

TEST(Golden, GeneratorDraws) {
  const std::set<std::string> elsewhere = {
      "from_seed",       "from_key_counter",       "from_state", "skip",  "reset",
      "reset_from_seed", "reset_from_key_counter", "make_seeds", "split", "save",
      "restore"};
  int values = 0;
  for (const json& test : load("generators.json")) {
    std::map<std::string, Origin> states;
    Replay replay(test["name"]);
    for (const json& step : test["steps"]) {
      const std::string op = step["op"];
      const std::string generator = step.value("gen", "");
      if (!replay.draw_step(step, op, states[generator])) {
        EXPECT_TRUE(elsewhere.contains(op)) << op;
      }
      if (op == "split") {
        for (std::size_t i = 0; i < step["into"].size(); ++i) {
          states[step["into"][i]] = {{}, bits_of(step["states"][i][2])};
        }
      }
      const json& state = step["state"];
      const Origin after = {{bits_of(state[0]), bits_of(state[1])}, bits_of(state[2])};
      if (step.contains("shape") &&
          op != "binomial") {  // the draw moved the state by 256 an element
        std::uint64_t count = 1;
        for (const json& side : step["shape"]) count *= side.get<std::uint64_t>();
        EXPECT_EQ(philox_stream().advance(states[generator].counter, 256 * count), after.counter)
            << test["name"];
      }
      states[generator] = after;
    }
    values += replay.values();
  }
  EXPECT_GT(values, 3000);
}

TEST(Golden, StatelessDraws) {
  const std::set<std::string> elsewhere = {
      "gamma",   "poisson", "categorical", "parameterized_truncated_normal",
      "shuffle", "fold_in", "split"};
  int values = 0;
  for (const json& test : load("stateless.json")) {
    Replay replay(test["name"]);
    for (const json& step : test["steps"]) {
      const std::string op = step["op"].get<std::string>().substr(std::string("stateless_").size());
      const std::int64_t seed[2] = {step["seed"][0].get<std::int64_t>(),
                                    step["seed"][1].get<std::int64_t>()};
      Origin origin;
      philox_stream().scramble_seed(seed, &origin.key, &origin.counter);
      if (!replay.draw_step(step, op, origin)) {
        EXPECT_TRUE(elsewhere.contains(op)) << op;
      }
    }
    values += replay.values();
  }
  EXPECT_GT(values, 500);
}

}  // namespace
}  // namespace counterpoint::kernels_test
