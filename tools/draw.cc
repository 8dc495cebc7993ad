// counterpoint draw: the numbers that a generator draws, as text, CSV or bytes.
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint_paths.h"
#include "command_line.h"
#include "element_writer.h"
#include "exit_codes.h"
#include "progress.h"
#include "sliced_draw.h"
#include "stream_source.h"

namespace counterpoint::tools {
namespace {

constexpr std::uint64_t chunk_bytes = std::uint64_t{1} << 20;

struct Options {
  std::string distribution;
  std::string dtype;
  StreamOptions stream;
  std::map<std::string, std::string> parameters;  // as they were typed, by name
  std::string count = "1";
  std::string shape;
  bool interleave = false;
  std::string format = "text";
  std::string output;
};

DrawRequest request_of(const Options& options) {
  DrawRequest request;
  if (options.distribution.empty()) {
    request.dtype = options.dtype.empty() ? DType::f32 : dtype_named(options.dtype);
    request.distribution =
        &distribution_of(is_floating(request.dtype) ? "uniform" : "uniform_full_int");
  } else {
    request.distribution = &distribution_of(options.distribution);
    request.dtype =
        options.dtype.empty() ? request.distribution->dtype : dtype_named(options.dtype);
  }
  request.parameters = parameters_of(*request.distribution, request.dtype, options.parameters);
  if (request.distribution->name == "categorical") {
    request.logits = numbers("logits", options.parameters.at("logits"));
  }
  return request;
}

// 1000, 1e3 or 1K; nothing for what is no number of elements.
std::optional<std::int64_t> count_of(std::string_view text) {
  std::int64_t count = -1;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc() || count < 0) return std::nullopt;
  int zeros = 0;
  const std::string_view scale(rest, static_cast<std::size_t>(end - rest));
  constexpr std::string_view thousands = "KMG";
  if (scale.size() > 1 && (scale[0] == 'e' || scale[0] == 'E')) {
    const char* const digits = rest + (scale[1] == '+' ? 2 : 1);
    const auto [last, fault] = std::from_chars(digits, end, zeros);
    if (fault != std::errc() || last != end || zeros < 0 || zeros > 18) return std::nullopt;
  } else if (!scale.empty()) {
    const std::size_t power = scale.size() == 1 ? thousands.find(scale[0] == 'k' ? 'K' : scale[0])
                                                : std::string_view::npos;
    if (power == std::string_view::npos) return std::nullopt;
    zeros = 3 * (static_cast<int>(power) + 1);
  }
  for (; zeros > 0; --zeros) {
    if (__builtin_mul_overflow(count, 10, &count)) return std::nullopt;
  }
  return count > endless[0] ? std::nullopt : std::optional(count);
}

Shape shape_of(const Options& options, bool shape_given) {
  if (shape_given) {
    Shape shape = integers("shape", options.shape);
    (void)element_count(shape);
    return shape;
  }
  if (options.count == "inf") return endless;
  const std::optional<std::int64_t> count = count_of(options.count);
  if (!count) {
    throw UsageError(
        fmt::format("--count is '{}'; it is 0 to {}, as 1000, 1e3 or 1K (M and G), or inf",
                    options.count, endless[0]));
  }
  return {*count};
}

// Draws one after the other, each from its first element to its last.
void write_in_turn(const std::vector<SlicedDraw>& draws, DType dtype, std::uint64_t elements,
                   ElementWriter& writer, Progress& progress) {
  const std::uint64_t size = dtype_size(dtype);
  const std::uint64_t chunk = std::min(chunk_bytes / size, std::max<std::uint64_t>(elements, 1));
  std::vector<std::byte> bytes(chunk * size);
  for (const SlicedDraw& draw : draws) {
    for (std::uint64_t first = 0; first < elements; first += chunk) {
      const std::uint64_t count = std::min(chunk, elements - first);
      const std::span<std::byte> slice = std::span(bytes).first(count * size);
      draw.fill(first, slice);
      writer.write(slice);
      progress.advance(count);
    }
  }
}

// The first element of each draw, then the second of each, and so on.
void write_interleaved(const std::vector<SlicedDraw>& draws, DType dtype, std::uint64_t elements,
                       ElementWriter& writer, Progress& progress) {
  const std::uint64_t size = dtype_size(dtype);
  const std::uint64_t chunk =
      std::min(std::max<std::uint64_t>(chunk_bytes / size / draws.size(), 16),
               std::max<std::uint64_t>(elements, 1));
  std::vector<std::byte> slice(chunk * size);
  std::vector<std::byte> woven(chunk * size * draws.size());
  for (std::uint64_t first = 0; first < elements; first += chunk) {
    const std::uint64_t count = std::min(chunk, elements - first);
    for (std::size_t d = 0; d < draws.size(); ++d) {
      draws[d].fill(first, std::span(slice).first(count * size));
      for (std::uint64_t i = 0; i < count; ++i) {
        std::memcpy(woven.data() + (i * draws.size() + d) * size, slice.data() + i * size, size);
      }
    }
    writer.write(std::span(woven).first(count * size * draws.size()));
    progress.advance(count * draws.size());
  }
}

// Elements of a line of CSV.
std::uint64_t columns_of(const Options& options, const Shape& shape, std::size_t draws) {
  if (options.interleave) return draws;
  return shape.size() < 2 ? 1 : static_cast<std::uint64_t>(std::max<std::int64_t>(shape.back(), 1));
}

int draw(const Options& options, bool shape_given) {
  DrawRequest request = request_of(options);
  request.shape = shape_of(options, shape_given);
  const bool ends = shape_given || options.count != "inf";
  StreamOptions stream = options.stream;
  if (!stream.checkpoint.empty()) {
    stream.checkpoint = latest_of(stream.checkpoint);
    stream.limits = limits_for(stream.limits, {stream.checkpoint}, 2);
  }
  const Streams streams = streams_of(stream, request.distribution->stateless);
  request.definition = streams.definition;
  if (!streams.note.empty()) complain(streams.note);
  if (!ends && streams.sources.size() > 1 && !options.interleave) {
    throw UsageError("an endless draw never comes to the second replica; add --interleave");
  }
  if (!ends && request.distribution->name == "parameterized_truncated_normal") {
    throw UsageError("parameterized_truncated_normal is drawn as a whole: it needs a --count");
  }
  std::vector<SlicedDraw> draws;
  for (const DrawSource& source : streams.sources) draws.emplace_back(request, source);

  const Format format = options.format == "raw"   ? Format::raw
                        : options.format == "csv" ? Format::csv
                                                  : Format::text;
  Output output(options.output);
  if (format == Format::raw && output.is_terminal()) {
    throw UsageError("raw bytes would upset the terminal; add --output FILE, or pipe them on");
  }
  const auto elements = static_cast<std::uint64_t>(element_count(request.shape));
  ElementWriter writer(output, format, request.dtype,
                       columns_of(options, request.shape, draws.size()));
  {
    Progress progress(ends ? elements * draws.size() : 0, Progress::when_useful(output.is_file()));
    const auto write = options.interleave ? write_interleaved : write_in_turn;
    write(draws, request.dtype, elements, writer, progress);
  }
  writer.finish();
  output.finish();
  return ok;
}

void add_stream_options(CLI::App& command, StreamOptions& stream) {
  CLI::Option_group& source = *command.add_option_group("Source", "Where the numbers come from");
  source.add_option("--seed", stream.seed, "An integer of any size, or several: 1,2,3")
      ->type_name("SEED");
  source.add_option("--state", stream.state, "A state: counter words, then the key")
      ->type_name("WORDS");
  source
      .add_option("--stateless-seed", stream.stateless_seed, "The two integers of a stateless draw")
      ->type_name("A,B");
  source
      .add_option("--checkpoint", stream.checkpoint,
                  "The generator of a checkpoint, or of the latest in a folder")
      ->type_name("FILE");
  source.require_option(1);
  command
      .add_option("--object", stream.object, "The generator in the checkpoint: noise, model/noise")
      ->type_name("NAME");
  command.add_option("--algorithm", stream.algorithm, "philox if not given")
      ->check(CLI::IsMember({"philox", "threefry"}))
      ->type_name("NAME");
  command.add_option("--skip", stream.skip, "Elements to skip first, as Generator::skip")
      ->type_name("N");
  command
      .add_option("--replica,--replicas", stream.replicas,
                  "A replica's view, or FIRST:END for several; the primary stream if not given")
      ->type_name("ID");
}

void add_parameters(CLI::App& command, std::map<std::string, std::string>& parameters) {
  for (const auto& [name, what] : std::initializer_list<std::pair<const char*, const char*>>{
           {"mean", "Of normals (default 0)"},
           {"stddev", "Of normals, before any truncation (default 1)"},
           {"minval", "Of uniforms: least number (0); of the parameterized: lower bound (-2)"},
           {"maxval", "Of uniforms: bound above (1); of the parameterized: upper bound (2)"},
           {"counts", "Of a binomial: trials"},
           {"probs", "Of a binomial: probability of a success"},
           {"alpha", "Of a gamma: shape parameter"},
           {"beta", "Of a gamma: rate (default 1)"},
           {"lam", "Of a Poisson: rate"},
           {"logits", "Of a categorical: log weights of the classes, 0.5,1,-2"}}) {
    command
        .add_option_function<std::string>(
            std::string("--") + name,
            [&parameters, key = std::string(name)](const std::string& text) {
              parameters[key] = text;
            },
            what)
        ->type_name("X")
        ->group("Parameters");
  }
}

}  // namespace

Run add_draw(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  std::vector<std::string> names;
  for (const DistributionInfo& each : distributions()) names.emplace_back(each.name);
  command
      .add_option("DISTRIBUTION", options->distribution,
                  "uniform, or uniform_full_int of an integer type, if not given")
      ->check(CLI::IsMember(names))
      ->type_name("NAME");
  command.add_option("--dtype", options->dtype, "Element type: f32, float32, ...")
      ->check(
          CLI::IsMember({"f16", "bf16", "f32", "f64", "i32", "i64", "u32", "u64", "float16",
                         "bfloat16", "float32", "float64", "int32", "int64", "uint32", "uint64"}))
      ->type_name("DTYPE");
  add_stream_options(command, options->stream);
  CLI::Option* count = command.add_option("--count", options->count,
                                          "Elements to draw: 1000, 1e3, 1K (M, G), or inf");
  count->type_name("N");
  CLI::Option* shape = command.add_option("--shape", options->shape, "Shape of the draw: 2,3");
  shape->type_name("LENGTHS")->excludes(count);
  add_parameters(command, options->parameters);
  command.add_flag(
      "--interleave", options->interleave,
      "Replicas' elements in turn, a column each in CSV; else a replica after the other");
  command.add_option("--format", options->format, "An element a line, rows of the shape, or bytes")
      ->check(CLI::IsMember({"text", "csv", "raw"}))
      ->type_name("NAME");
  command.add_option("--output,-o", options->output, "File to write; standard output if not given")
      ->type_name("FILE");
  add_limits(command, options->stream.limits);
  command.footer(
      "The numbers are those of one draw of the library, however many. Raw bytes are "
      "little-endian.\n"
      "Write --mean=-inf with the sign. Gamma, poisson, categorical and\n"
      "parameterized_truncated_normal are stateless: of a generator they take make_seeds(1).\n"
      "Example: counterpoint draw normal --seed 1 --replica 3 --shape 2,3 --format csv");
  return [options, shape] {
    try {
      return draw(*options, shape->count() > 0);
    } catch (const ReadFailed& read) {
      return read.status;
    } catch (const Interrupted& interrupted) {  // all is tidied: end as without a handler
      ::signal(interrupted.signal, SIG_DFL);
      ::raise(interrupted.signal);
      return static_cast<int>(failed);
    }
  };
}

}  // namespace counterpoint::tools
