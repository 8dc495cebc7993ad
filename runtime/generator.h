// A random-number generator: TensorFlow's tf.random.Generator, to the bit.
//
//   auto noise = cp::Generator::from_seed(1);
//   cp::Tensor z = noise.normal<float>({2, 3});          // 0.4384, -0.5344, ...
//   noise.fill_uniform(std::span(buffer), -1.0f, 1.0f);  // into a caller's array
//   std::vector<cp::Generator> children = noise.split(3);
//
// What a draw gives depends on the algorithm, the state (key, counter) and the shape, on nothing
// else; it moves the counter by 256 blocks a requested element. Made in a strategy's scope, a
// generator has one stream a replica, derived from the one primary state and the replica's id; made
// outside and drawn in a run, its replicas take turns. DESIGN.md has the whole table.
//
// Thread-safety: a plain generator is atomic a draw, so threads that share it get distinct numbers
// in an order that the scheduler chooses. A generator made in a scope is drawn by the replicas' own
// threads. Moving a generator is not thread-safe.
// A generator made outside that replicas on several ranks draw is told apart by its name, or by the
// line that made it: give names to those that one line makes in a loop.
// Errors: invalid_argument for shapes, types and parameters; failed_precondition in another
// strategy than the generator's own; resource_exhausted without memory. A call that fails moves no
// state. A draw takes up to 64 KiB of the calling thread's stack, a binomial one up to 256.
// Source: docs/streams.md; tf.random.Generator of TensorFlow 2.21.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <memory>
#include <ranges>
#include <source_location>
#include <span>
#include <string>
#include <vector>

#include "counterpoint/runtime/algorithm.h"
#include "counterpoint/runtime/call_record.h"
#include "counterpoint/runtime/parameter.h"
#include "counterpoint/runtime/saveable.h"
#include "counterpoint/runtime/seed.h"
#include "counterpoint/runtime/stream_layout.h"
#include "counterpoint/runtime/tensor.h"

namespace counterpoint::inline v1 {

class ShardedDraws;
class StateStore;
struct StreamState;

struct GeneratorOptions {
  AlgorithmName algorithm = Algorithm::auto_select;
  // Identifies the stream across ranks; where it was made, if empty.
  std::string name = {};
  // Which replicas share a stream, for a generator made in a strategy's scope.
  StreamLayout streams = {};
};

// A contiguous range of elements to fill: std::span, std::vector, std::array.
template <class R>
concept ElementRange = std::ranges::contiguous_range<R> && std::ranges::sized_range<R> &&
                       Element<std::ranges::range_value_t<R>>;

class COUNTERPOINT_PUBLIC Generator {
  using Location = std::source_location;

 public:
  // ---- making one -------------------------------------------------------------------------------

  static Generator from_seed(const Seed& seed, GeneratorOptions options = {},
                             Location location = Location::current());
  static Generator from_seed(const Seed& seed, AlgorithmName algorithm,
                             Location location = Location::current());
  // A state from the operating system's entropy; in a strategy's scope the same on every rank.
  static Generator from_non_deterministic_state(GeneratorOptions options = {},
                                                Location location = Location::current());
  // Counter words, then the key: 3 words for Philox. Errors: invalid_argument for another number.
  static Generator from_state(std::span<const std::int64_t> state, GeneratorOptions options = {},
                              Location location = Location::current());
  static Generator from_state(const Tensor& state, GeneratorOptions options = {},
                              Location location = Location::current());
  // Errors: invalid_argument unless there are 2 counter words (Philox).
  static Generator from_key_counter(std::int64_t key, std::span<const std::int64_t> counter,
                                    GeneratorOptions options = {},
                                    Location location = Location::current());
  // A generator of its own with the algorithm and the present state of `other`.
  static Generator copy_of(const Generator& other, std::string name = {},
                           Location location = Location::current());

  explicit Generator(std::shared_ptr<StateStore> store);
  Generator(Generator&&) noexcept;
  Generator& operator=(Generator&&) noexcept;
  ~Generator();

  // ---- its state --------------------------------------------------------------------------------

  // i64, counter words then the key; of the calling replica in a run, else the primary state.
  Tensor state() const;
  // The last word of the state.
  std::int64_t key() const;
  Algorithm algorithm() const;
  const StreamDefinition& definition() const;

  void reset(std::span<const std::int64_t> state, Location location = Location::current());
  void reset(const Tensor& state, Location location = Location::current());
  void reset_from_seed(const Seed& seed, Location location = Location::current());
  void reset_from_key_counter(std::int64_t key, std::span<const std::int64_t> counter,
                              Location location = Location::current());
  // Moves on as if `elements` numbers had been drawn (256 blocks each, modulo 2^64; may be
  // negative).
  void skip(std::int64_t elements, Location location = Location::current());

  // i64 [2, count]: `count` keys from this stream, and zeros. Moves as a draw of `count` elements.
  Tensor make_seeds(std::int64_t count, Location location = Location::current());
  // `count` new generators with those keys and counter 0; recursively splittable.
  std::vector<Generator> split(std::int64_t count, Location location = Location::current());
  // The same with keys of a domain of their own, for those who do not need TensorFlow's numbers: no
  // child, however deep, has the key of a replica's stream, of a child of `split` or of another
  // separated child, except by chance: below n^2 / 2^65 for n keys in all (3e-8 for a million).
  std::vector<Generator> split_separated(std::int64_t count,
                                         Location location = Location::current());
  // A plain generator that gives from here on what replica `replica_id` of a strategy would draw.
  // Moves nothing.
  Generator for_replica(std::int64_t replica_id, Location location = Location::current()) const;

  // ---- drawing tensors --------------------------------------------------------------------------

  // f16, bf16, f32, f64: T(T(z * stddev) + mean). Parameters broadcast with the result.
  Tensor normal(const Shape& shape, const Parameter& mean, const Parameter& stddev, DType dtype,
                Location location = Location::current());
  // The same of normals redrawn until |z| < 2.
  Tensor truncated_normal(const Shape& shape, const Parameter& mean, const Parameter& stddev,
                          DType dtype, Location location = Location::current());
  // Floats in [minval, maxval), where rounding may give maxval; i32, i64, u32, u64 in [minval,
  // maxval), with TensorFlow's small bias. Errors: invalid_argument for an empty range of integers.
  Tensor uniform(const Shape& shape, const Parameter& minval, const Parameter& maxval, DType dtype,
                 Location location = Location::current());
  // Every value of i32, i64, u32 or u64.
  Tensor uniform_full_int(const Shape& shape, DType dtype, Location location = Location::current());
  // Successes in `counts` trials of probability `probs`; `shape` must end with the parameters'
  // broadcast shape. Results in f16, f32, f64, i32 or i64; parameters are f16, f32 (default) or
  // f64. In f16 more than 65519 successes are infinite, as in TensorFlow. An empty draw reserves blocks as
  // in TensorFlow too: 150 elements' worth where counts and probs are numbers. Errors: invalid_argument for
  // a probability outside [0, 1] and for a count that is not finite, is above what i32 or i64 results hold,
  // or is a number or an element of an integer tensor that the parameters' type rounds.
  Tensor binomial(const Shape& shape, const Parameter& counts, const Parameter& probs,
                  DType dtype = DType::i32, Location location = Location::current());

  template <Element T>
  Tensor normal(const Shape& shape, const Parameter& mean = 0.0, const Parameter& stddev = 1.0,
                Location location = Location::current()) {
    return normal(shape, mean, stddev, dtype_of<T>, location);
  }
  template <Element T>
  Tensor truncated_normal(const Shape& shape, const Parameter& mean = 0.0,
                          const Parameter& stddev = 1.0, Location location = Location::current()) {
    return truncated_normal(shape, mean, stddev, dtype_of<T>, location);
  }
  template <Element T>
    requires(is_floating(dtype_of<T>))
  Tensor uniform(const Shape& shape, const Parameter& minval = 0.0, const Parameter& maxval = 1.0,
                 Location location = Location::current()) {
    return uniform(shape, minval, maxval, dtype_of<T>, location);
  }
  template <Element T>
    requires(!is_floating(dtype_of<T>))
  Tensor uniform(const Shape& shape, const Parameter& minval, const Parameter& maxval,
                 Location location = Location::current()) {
    return uniform(shape, minval, maxval, dtype_of<T>, location);
  }
  template <Element T>
  Tensor uniform_full_int(const Shape& shape, Location location = Location::current()) {
    return uniform_full_int(shape, dtype_of<T>, location);
  }
  template <Element T>
  Tensor binomial(const Shape& shape, const Parameter& counts, const Parameter& probs,
                  Location location = Location::current()) {
    return binomial(shape, counts, probs, dtype_of<T>, location);
  }

  // ---- filling a caller's array -----------------------------------------------------------------
  // The same numbers; nothing is allocated for parameters that are numbers. `shape` is the logical
  // shape, one dimension by default; tensors as parameters fill the broadcast result. Errors: also
  // invalid_argument if the array has another number of elements.

  template <ElementRange R>
  void fill_normal(R&& out, const Parameter& mean = 0.0, const Parameter& stddev = 1.0,
                   ShapeView shape = {}, Location location = Location::current()) {
    fill(Operation::normal, output_of(out), mean, stddev, shape, location);
  }
  template <ElementRange R>
  void fill_truncated_normal(R&& out, const Parameter& mean = 0.0, const Parameter& stddev = 1.0,
                             ShapeView shape = {}, Location location = Location::current()) {
    fill(Operation::truncated_normal, output_of(out), mean, stddev, shape, location);
  }
  template <ElementRange R>
    requires(is_floating(dtype_of<std::ranges::range_value_t<R>>))
  void fill_uniform(R&& out, const Parameter& minval = 0.0, const Parameter& maxval = 1.0,
                    ShapeView shape = {}, Location location = Location::current()) {
    fill(Operation::uniform, output_of(out), minval, maxval, shape, location);
  }
  template <ElementRange R>
    requires(!is_floating(dtype_of<std::ranges::range_value_t<R>>))
  void fill_uniform(R&& out, const Parameter& minval, const Parameter& maxval, ShapeView shape = {},
                    Location location = Location::current()) {
    fill(Operation::uniform, output_of(out), minval, maxval, shape, location);
  }
  template <ElementRange R>
  void fill_uniform_full_int(R&& out, ShapeView shape = {},
                             Location location = Location::current()) {
    fill(Operation::uniform_full_int, output_of(out), 0, 0, shape, location);
  }
  template <ElementRange R>
  void fill_binomial(R&& out, const Parameter& counts, const Parameter& probs, ShapeView shape = {},
                     Location location = Location::current()) {
    fill(Operation::binomial, output_of(out), counts, probs, shape, location);
  }

  // ---- a slice of one logical draw ----

  // The calling replica's rows of draws that all replicas make together; see ShardedDraws.
  ShardedDraws sharded();

  // ---- as a std::uniform_random_bit_generator ----

  using result_type = std::uint64_t;
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }
  // A draw of one u64. A standard algorithm that calls it is the line that messages name.
  result_type operator()(Location location = Location::current());

  // ---- for the rest of the library ----

  // What a checkpoint holds: the algorithm and the primary state.
  std::shared_ptr<Saveable> saveable() const;
  const std::shared_ptr<StateStore>& store() const noexcept { return store_; }
  // "philox generator, counter 257 0, key 0"
  std::string to_string() const;

 private:
  struct Output {
    void* data;
    std::int64_t count;
    DType dtype;
  };

  template <class R>
  static Output output_of(R& out) {
    using T = std::ranges::range_value_t<R>;
    static_assert(!std::is_const_v<std::remove_reference_t<std::ranges::range_reference_t<R>>>,
                  "the range to fill is const");
    return {std::ranges::data(out), static_cast<std::int64_t>(std::ranges::size(out)), dtype_of<T>};
  }

  static Generator make(const StreamDefinition& definition, const StreamState& state,
                        GeneratorOptions options, const Location& location);
  // `domain` is 0 for the keys that the stream itself gives.
  std::vector<Generator> split_in(std::uint64_t domain, std::int64_t count,
                                  const Location& location);
  Tensor draw(Operation operation, const Shape& shape, const Parameter& first,
              const Parameter& second, DType dtype, const Location& location);
  void fill(Operation operation, const Output& out, const Parameter& first, const Parameter& second,
            ShapeView shape, const Location& location);
  void assign(const StreamState& state, const Location& location);

  std::shared_ptr<StateStore> store_;
};

COUNTERPOINT_PUBLIC std::ostream& operator<<(std::ostream& stream, const Generator& generator);

}  // namespace counterpoint::inline v1
