// What the command writes in slices is the library's one draw, in every distribution and type.
#include "../../tools/sliced_draw.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/runtime/stateless.h"

namespace {

namespace cp = counterpoint;
namespace tools = counterpoint::tools;

using Texts = std::map<std::string, std::string>;

// Parameters of each distribution, as they are typed.
Texts parameters_for(std::string_view distribution, cp::DType dtype) {
  if (distribution == "normal") return {{"mean", "0.5"}, {"stddev", "2"}};
  if (distribution == "truncated_normal") return {{"mean", "-1"}, {"stddev", "0.25"}};
  if (distribution == "uniform" && cp::is_floating(dtype)) {
    return {{"minval", "-3"}, {"maxval", "0.1"}};
  }
  if (distribution == "uniform") return {{"minval", "3"}, {"maxval", "1000003"}};
  if (distribution == "binomial") return {{"counts", "40"}, {"probs", "0.3"}};
  if (distribution == "gamma") return {{"alpha", "0.3"}, {"beta", "2"}};
  // As an f32, which it becomes, it is 3 more.
  if (distribution == "poisson" && dtype != cp::DType::f16) return {{"lam", "123456789.5"}};
  if (distribution == "poisson") return {{"lam", "12.5"}};
  if (distribution == "parameterized_truncated_normal") return {{"minval", "0.5"}};
  return {};
}

const std::vector<double> logits = {0.5, -1, 2, 0, 0.25};

cp::Tensor library_draw(const tools::DrawRequest& request, cp::Generator& generator,
                        const cp::StatelessSeed& seed) {
  const std::string_view name = request.distribution->name;
  const cp::AlgorithmName algorithm(request.definition->name);
  const cp::Shape& shape = request.shape;
  const cp::DType dtype = request.dtype;
  const auto of = [&](std::string_view key) { return request.parameters.find(key)->second; };
  if (name == "normal") return generator.normal(shape, of("mean"), of("stddev"), dtype);
  if (name == "truncated_normal") {
    return generator.truncated_normal(shape, of("mean"), of("stddev"), dtype);
  }
  if (name == "uniform") return generator.uniform(shape, of("minval"), of("maxval"), dtype);
  if (name == "uniform_full_int") return generator.uniform_full_int(shape, dtype);
  if (name == "binomial") return generator.binomial(shape, of("counts"), of("probs"), dtype);
  if (name == "gamma") {
    return cp::stateless_gamma(shape, seed, of("alpha"), of("beta"), dtype, algorithm);
  }
  if (name == "poisson") return cp::stateless_poisson(shape, seed, of("lam"), dtype, algorithm);
  if (name == "categorical") {
    const auto classes = static_cast<std::int64_t>(logits.size());
    return cp::stateless_categorical(cp::Tensor::from<double>(logits, {1, classes}),
                                     cp::element_count(shape), seed, dtype, algorithm);
  }
  return cp::stateless_parameterized_truncated_normal(shape, seed, of("mean"), of("stddev"),
                                                      of("minval"), of("maxval"), dtype, algorithm);
}

tools::DrawRequest request_for(const tools::DistributionInfo& distribution, cp::DType dtype,
                               const cp::Shape& shape, const std::string& algorithm) {
  Texts texts = parameters_for(distribution.name, dtype);
  if (distribution.name == "categorical") texts = {{"logits", "0"}};  // given as `logits`
  return {.distribution = &distribution,
          .dtype = dtype,
          .parameters = tools::parameters_of(distribution, dtype, texts),
          .logits = logits,
          .shape = shape,
          .definition = &cp::stream_definition(algorithm)};
}

std::vector<std::byte> in_slices(const tools::SlicedDraw& draw, std::size_t count, std::size_t size,
                                 std::size_t slice) {
  std::vector<std::byte> bytes(count * size);
  for (std::size_t first = 0; first < count; first += slice) {
    const std::size_t elements = std::min(slice, count - first);
    draw.fill(first, std::span(bytes).subspan(first * size, elements * size));
  }
  return bytes;
}

// Compares one draw in several cuts; false if neither the library nor the command draws it.
bool expect_same_draw(const tools::DrawRequest& request, const std::string& algorithm) {
  auto generator = cp::Generator::from_seed({3, 5, 7}, algorithm);
  const cp::Tensor state = generator.state();
  tools::DrawSource source{
      .state = cp::StreamState::from_words(*request.definition, state.values<std::int64_t>()),
      .seed = std::nullopt};
  const cp::StatelessSeed seed(11, 13);
  if (request.distribution->stateless) {
    source.seed = seed;
    request.definition->scramble_seed(seed.words().data(), &source.state.key,
                                      &source.state.counter);
  }
  cp::Tensor whole;
  try {
    whole = library_draw(request, generator, seed);
  } catch (const cp::Error&) {
    EXPECT_THROW(tools::SlicedDraw(request, source), cp::Error);
    return false;
  }
  const tools::SlicedDraw draw(request, source);
  const auto count = static_cast<std::size_t>(whole.size());
  for (const std::size_t slice : {std::size_t{1}, std::size_t{7}, std::size_t{64}, count}) {
    const std::vector<std::byte> bytes =
        in_slices(draw, count, cp::dtype_size(request.dtype), slice);
    EXPECT_EQ(std::memcmp(bytes.data(), whole.bytes().data(), bytes.size()), 0)
        << "in slices of " << slice;
  }
  return true;
}

// The number of (distribution, type) pairs that were drawn.
int draw_everything(const std::string& algorithm, const cp::Shape& shape) {
  int drawn = 0;
  for (const tools::DistributionInfo& distribution : tools::distributions()) {
    for (int type = 0; type < 8; ++type) {
      const auto dtype = static_cast<cp::DType>(type);
      SCOPED_TRACE(algorithm + " " + std::string(distribution.name) + " " +
                   std::string(cp::dtype_name(dtype)) + " " + cp::shape_to_string(shape));
      drawn += expect_same_draw(request_for(distribution, dtype, shape, algorithm), algorithm);
    }
  }
  return drawn;
}

TEST(SlicedDraw, IsThePhiloxDrawHoweverItIsCut) {
  // 4 + 4 floats of normals, 4 + 4 of uniforms, 4 of full ints, 5 binomials, 3 gammas, 5 Poissons,
  // 2 categoricals, 3 bounded normals.
  EXPECT_EQ(draw_everything("philox", {301}), 4 + 4 + 8 + 4 + 5 + 3 + 5 + 2 + 3);
  draw_everything("philox", {3, 5, 7});
}

TEST(SlicedDraw, IsTheThreeFryDrawHoweverItIsCut) {
  for (const cp::Shape& shape : std::vector<cp::Shape>{{301}, {302}, {304}, {3, 5, 7}, {5, 6}}) {
    EXPECT_GE(draw_everything("threefry", shape), 4 + 1 + 8 + 4);
  }
}

// A Philox draw does not depend on its length; a ThreeFry one of a multiple of four elements
// begins as the endless one.
TEST(SlicedDraw, AnEndlessDrawBeginsAsALongOne) {
  for (const std::string algorithm : {"philox", "threefry"}) {
    const cp::StreamDefinition& definition = cp::stream_definition(algorithm);
    for (const char* name : {"normal", "uniform", "uniform_full_int"}) {
      const tools::DistributionInfo& distribution = tools::distribution_of(name);
      tools::DrawRequest request{
          .distribution = &distribution,
          .dtype = distribution.dtype,
          .parameters = tools::parameters_of(distribution, distribution.dtype, {}),
          .logits = {},
          .shape = tools::endless,
          .definition = &definition};
      const tools::SlicedDraw endless(request, {.state = {.counter = {1, 0}, .key = 2}});
      request.shape = {4096};
      const tools::SlicedDraw finite(request, {.state = {.counter = {1, 0}, .key = 2}});
      EXPECT_EQ(in_slices(endless, 4096, 4, 100), in_slices(finite, 4096, 4, 4096))
          << algorithm << " " << name;
      // Far out, nothing overflows.
      std::vector<std::byte> far(64);
      endless.fill((std::uint64_t{1} << 62) - 16, far);
    }
  }
}

TEST(SlicedDraw, RefusesWhatTheLibraryRefuses) {
  const tools::DistributionInfo& uniform = tools::distribution_of("uniform");
  tools::DrawRequest request{.distribution = &uniform,
                             .dtype = cp::DType::i32,
                             .parameters = tools::parameters_of(uniform, cp::DType::i32,
                                                                {{"minval", "3"}, {"maxval", "3"}}),
                             .logits = {},
                             .shape = {4},
                             .definition = &cp::stream_definition("philox")};
  EXPECT_THROW(tools::SlicedDraw(request, {}), cp::Error);
  request.parameters =
      tools::parameters_of(uniform, cp::DType::i32, {{"minval", "0"}, {"maxval", "4294967296"}});
  EXPECT_THROW(tools::SlicedDraw(request, {}), cp::Error);
}

}  // namespace
