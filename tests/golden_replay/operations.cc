#include "golden_replay/operations.h"

#include <fmt/format.h>

#include <span>
#include <string_view>
#include <variant>

#include "counterpoint/runtime/stateless.h"

namespace golden {
namespace {

namespace cp = counterpoint;

cp::DType dtype_named(std::string_view name) {
  for (const cp::DType dtype : {cp::DType::f16, cp::DType::bf16, cp::DType::f32, cp::DType::f64,
                                cp::DType::i32, cp::DType::i64, cp::DType::u32, cp::DType::u64}) {
    if (cp::dtype_name(dtype) == name) return dtype;
  }
  throw Failure(fmt::format("unknown dtype '{}'", name));
}

cp::DType dtype_of_step(const json& step) {
  return dtype_named(step.at("dtype").get<std::string>());
}

cp::Shape shape_of_step(const json& step) { return step.at("shape").get<cp::Shape>(); }

cp::Shape shape_of_list(const json& value) {
  cp::Shape shape;
  for (const json* level = &value; level->is_array(); level = &level->front()) {
    shape.push_back(static_cast<std::int64_t>(level->size()));
    if (level->empty()) break;
  }
  return shape;
}

void flatten(const json& value, std::vector<json>& flat) {
  if (!value.is_array()) {
    flat.push_back(value);
  } else {
    for (const json& inner : value) flatten(inner, flat);
  }
}

// A double becomes f16 or bf16 through f32, as in TensorFlow.
template <class T>
T element(const json& value) {
  if constexpr (std::is_same_v<T, cp::Float16> || std::is_same_v<T, cp::BFloat16>) {
    return T::from_float(static_cast<float>(value.get<double>()));
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(value.get<double>());
  } else {
    return static_cast<T>(as_word(value));
  }
}

cp::Tensor tensor_of(const json& value, cp::DType dtype) {
  std::vector<json> flat;
  flatten(value, flat);
  return cp::visit_dtype(dtype, [&]<class T>(T) {
    std::vector<T> elements;
    for (const json& one : flat) elements.push_back(element<T>(one));
    return cp::Tensor::from<T>(std::span<const T>(elements), shape_of_list(value));
  });
}

// A parameter as a step gives it; a list is a tensor of `dtype`.
class Argument {
 public:
  Argument(const json& value, cp::DType dtype)
      : tensor_(value.is_array() ? std::optional(tensor_of(value, dtype)) : std::nullopt),
        number_(value) {}

  operator cp::Parameter() const {  // NOLINT(google-explicit-constructor)
    if (tensor_) return *tensor_;
    if (number_.is_number_float()) return number_.get<double>();
    if (number_.is_number_unsigned()) return number_.get<std::uint64_t>();
    if (number_.is_number_integer()) return number_.get<std::int64_t>();
    throw Failure(fmt::format("{} is not a parameter", number_.dump()));
  }
  // Zeros (or ones) of the same shape.
  cp::Tensor like(double value) const {
    cp::Tensor filled(cp::DType::f64, tensor_ ? tensor_->shape() : cp::Shape{});
    for (double& one : filled.values<double>()) one = value;
    return filled;
  }

 private:
  std::optional<cp::Tensor> tensor_;
  json number_;
};

cp::Seed seed_of_step(const json& step) {
  const json& seed = step.at("seed");
  if (seed.size() != 1) return as_words(seed);
  const json& digits = seed.front();
  return cp::Seed::integer(digits.is_string() ? digits.get<std::string>() : digits.dump());
}

cp::GeneratorOptions options_of_step(const json& step) {
  return {.algorithm = step.value("alg", "philox")};
}

std::vector<std::int64_t> counter_of_step(const json& step) { return as_words(step.at("counter")); }

// `draw` is the generator's method for a distribution with two parameters.
template <class Method>
Draw distribution(Method method, const char* first, const char* second) {
  return [=](cp::Generator& generator, const json& step) {
    const cp::DType dtype = dtype_of_step(step);
    return (generator.*method)(shape_of_step(step), Argument(step.at(first), dtype),
                               Argument(step.at(second), dtype), dtype,
                               std::source_location::current());
  };
}

using Distribution = cp::Tensor (cp::Generator::*)(const cp::Shape&, const cp::Parameter&,
                                                   const cp::Parameter&, cp::DType,
                                                   std::source_location);

cp::Tensor binomial(cp::Generator& generator, const json& step) {
  return generator.binomial(shape_of_step(step), Argument(step.at("counts"), cp::DType::f32),
                            Argument(step.at("probs"), cp::DType::f32), dtype_of_step(step));
}

void want_i64(const json& step) {
  if (dtype_of_step(step) != cp::DType::i64) throw Failure("keys are i64");
}

cp::Tensor make_seeds(cp::Generator& generator, const json& step) {
  want_i64(step);
  return generator.make_seeds(step.at("count").get<std::int64_t>());
}

cp::Tensor split_keys(cp::Generator& generator, const json& step) {
  want_i64(step);
  std::vector<std::int64_t> keys;
  for (const cp::Generator& child : generator.split(step.at("count").get<std::int64_t>())) {
    keys.push_back(child.key());
  }
  const auto count = static_cast<std::int64_t>(keys.size());
  return cp::Tensor::from<std::int64_t>(std::span<const std::int64_t>(keys), {count});
}

cp::StatelessSeed stateless_seed(const json& step) {
  return cp::StatelessSeed(std::span<const std::int64_t>(as_words(step.at("seed"))));
}

std::string algorithm_of_step(const json& step) { return step.value("alg", "philox"); }

cp::Tensor shuffle(const json& step) {
  return cp::stateless_shuffle(tensor_of(step.at("value"), dtype_of_step(step)),
                               stateless_seed(step), algorithm_of_step(step));
}

using StatelessDistribution = cp::Tensor (*)(const cp::Shape&, const cp::StatelessSeed&,
                                             const cp::Parameter&, const cp::Parameter&, cp::DType,
                                             const cp::AlgorithmName&);

// `parameters` is the type of lists: the result's where there is none.
Stateless distribution(StatelessDistribution function, const char* first, const char* second,
                       std::optional<cp::DType> parameters = std::nullopt) {
  return [=](const json& step) {
    const cp::DType dtype = dtype_of_step(step);
    return function(shape_of_step(step), stateless_seed(step),
                    Argument(step.at(first), parameters.value_or(dtype)),
                    Argument(step.at(second), parameters.value_or(dtype)), dtype,
                    algorithm_of_step(step));
  };
}

cp::Tensor stateless_full_int(const json& step) {
  return cp::stateless_uniform_full_int(shape_of_step(step), stateless_seed(step),
                                        dtype_of_step(step), algorithm_of_step(step));
}

cp::Tensor poisson(const json& step) {
  return cp::stateless_poisson(shape_of_step(step), stateless_seed(step),
                               Argument(step.at("lam"), cp::DType::f64), dtype_of_step(step),
                               algorithm_of_step(step));
}

cp::Tensor categorical(const json& step) {
  const cp::DType logits = dtype_named(step.at("logits_dtype").get<std::string>());
  return cp::stateless_categorical(tensor_of(step.at("logits"), logits),
                                   step.at("num_samples").get<std::int64_t>(), stateless_seed(step),
                                   dtype_of_step(step), algorithm_of_step(step));
}

cp::Tensor parameterized_truncated_normal(const json& step) {
  const cp::DType dtype = dtype_of_step(step);
  return cp::stateless_parameterized_truncated_normal(
      shape_of_step(step), stateless_seed(step), Argument(step.at("mean"), dtype),
      Argument(step.at("stddev"), dtype), Argument(step.at("minval"), dtype),
      Argument(step.at("maxval"), dtype), dtype, algorithm_of_step(step));
}

// The recorded data was an i32, whatever the type of the answer.
cp::Tensor fold_in(const json& step) {
  want_i64(step);
  return cp::fold_in(stateless_seed(step), step.at("data").get<std::int32_t>(),
                     algorithm_of_step(step))
      .tensor();
}

cp::Tensor split_seed(const json& step) {
  std::vector<std::int64_t> words;
  for (const cp::StatelessSeed& seed : cp::split(
           stateless_seed(step), step.at("num").get<std::int64_t>(), algorithm_of_step(step))) {
    if (seed.dtype() != dtype_of_step(step)) throw Failure("children have their seed's type");
    words.insert(words.end(), seed.words().begin(), seed.words().end());
  }
  const auto count = static_cast<std::int64_t>(words.size());
  return cp::Tensor::from<std::int64_t>(std::span<const std::int64_t>(words), {count});
}

}  // namespace

const std::map<std::string, Make>& makers() {
  static const std::map<std::string, Make> table = {
      {"from_seed",
       [](const json& step) {
         return cp::Generator::from_seed(seed_of_step(step), options_of_step(step));
       }},
      {"from_state",
       [](const json& step) {
         return cp::Generator::from_state(as_words(step.at("value")), options_of_step(step));
       }},
      {"from_key_counter",
       [](const json& step) {
         return cp::Generator::from_key_counter(as_word(step.at("key")), counter_of_step(step),
                                                options_of_step(step));
       }},
  };
  return table;
}

const std::map<std::string, Draw>& draws() {
  static const std::map<std::string, Draw> table = {
      {"normal", distribution<Distribution>(&cp::Generator::normal, "mean", "stddev")},
      {"truncated_normal",
       distribution<Distribution>(&cp::Generator::truncated_normal, "mean", "stddev")},
      {"uniform", distribution<Distribution>(&cp::Generator::uniform, "minval", "maxval")},
      {"uniform_full_int",
       [](cp::Generator& generator, const json& step) {
         return generator.uniform_full_int(shape_of_step(step), dtype_of_step(step));
       }},
      {"binomial", binomial},
      {"make_seeds", make_seeds},
      {"split_keys", split_keys},
  };
  return table;
}

const std::map<std::string, Change>& changes() {
  static const std::map<std::string, Change> table = {
      {"skip", [](cp::Generator& generator,
                  const json& step) { generator.skip(as_word(step.at("delta"))); }},
      {"reset", [](cp::Generator& generator,
                   const json& step) { generator.reset(as_words(step.at("value"))); }},
      {"reset_from_seed", [](cp::Generator& generator,
                             const json& step) { generator.reset_from_seed(seed_of_step(step)); }},
      {"reset_from_key_counter",
       [](cp::Generator& generator, const json& step) {
         generator.reset_from_key_counter(as_word(step.at("key")), counter_of_step(step));
       }},
  };
  return table;
}

const std::map<std::string, Stateless>& stateless_functions() {
  static const std::map<std::string, Stateless> table = {
      {"stateless_normal", distribution(cp::stateless_normal, "mean", "stddev")},
      {"stateless_truncated_normal",
       distribution(cp::stateless_truncated_normal, "mean", "stddev")},
      {"stateless_uniform", distribution(cp::stateless_uniform, "minval", "maxval")},
      {"stateless_uniform_full_int", stateless_full_int},
      {"stateless_binomial",
       distribution(cp::stateless_binomial, "counts", "probs", cp::DType::f32)},
      {"stateless_gamma", distribution(cp::stateless_gamma, "alpha", "beta")},
      {"stateless_poisson", poisson},
      {"stateless_categorical", categorical},
      {"stateless_parameterized_truncated_normal", parameterized_truncated_normal},
      {"stateless_shuffle", shuffle},
      {"stateless_fold_in", fold_in},
      {"stateless_split", split_seed},
  };
  return table;
}

std::optional<NormalParts> stateless_parts(const json& step, const cp::Tensor& got) {
  if (got.dtype() != cp::DType::f64) return std::nullopt;
  const std::string op = step.at("op");
  cp::Tensor standard = got;
  double stddev = 1;
  double mean = 0;
  if (op == "stateless_normal" || op == "stateless_truncated_normal") {
    json unscaled = step;
    unscaled["mean"] = 0.0;
    unscaled["stddev"] = 1.0;
    standard = stateless_functions().at(op)(unscaled);
    stddev = step.at("stddev").get<double>();
    mean = step.at("mean").get<double>();
  } else if (op != "stateless_gamma" && op != "stateless_parameterized_truncated_normal") {
    return std::nullopt;
  }
  const auto values = standard.values<double>();
  return NormalParts{.standard = {values.begin(), values.end()},
                     .stddev = std::vector<double>(values.size(), stddev),
                     .mean = std::vector<double>(values.size(), mean),
                     .fused = cp::stream_definition(algorithm_of_step(step)).fused_scaling};
}

bool has_slack(const json& step) {
  const std::string op = step.at("op");
  return (op == "normal" || op == "truncated_normal") && step.value("dtype", "") == "f64";
}

std::optional<NormalParts> normal_parts(const cp::Generator& generator, const json& step) {
  if (!has_slack(step)) return std::nullopt;
  const Argument mean(step.at("mean"), cp::DType::f64);
  const Argument stddev(step.at("stddev"), cp::DType::f64);
  // z * 1 + 0 is z and z * 0 + p is p, of the shape that all three broadcast to.
  const auto drawn = [&](const cp::Parameter& shift, const cp::Parameter& scale) {
    cp::Generator copy = cp::Generator::copy_of(generator);
    const cp::Shape shape = shape_of_step(step);
    const cp::Tensor values = step.at("op") == "normal"
                                  ? copy.normal(shape, shift, scale, cp::DType::f64)
                                  : copy.truncated_normal(shape, shift, scale, cp::DType::f64);
    const auto span = values.values<double>();
    return std::vector<double>(span.begin(), span.end());
  };
  return NormalParts{.standard = drawn(mean.like(0), stddev.like(1)),
                     .stddev = drawn(stddev, mean.like(0)),
                     .mean = drawn(mean, stddev.like(0)),
                     .fused = generator.definition().fused_scaling};
}

}  // namespace golden
