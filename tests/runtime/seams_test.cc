// The seams that later rooms hang on, each with a fake: a tracer, a stream domain, a device tensor.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "counterpoint/runtime/generator.h"
#include "counterpoint/runtime/stream_domain.h"
#include "counterpoint/runtime/tracer.h"
#include "runtime/expect_error.h"

namespace counterpoint {
namespace {

struct FakeNode final : TraceNode {};

// Keeps what was drawn, to be replayed.
struct FakeTracer final : Tracer {
  std::vector<TracedDraw> draws;
  Tensor record_draw(TracedDraw draw) override {
    draws.push_back(std::move(draw));
    return Tensor::traced(draws.back().dtype, draws.back().result_shape,
                          std::make_shared<FakeNode>());
  }
};

TEST(Tracing, DrawsNothingAndReplaysTheSameNumbers) {
  auto traced = Generator::from_seed(3);
  auto eager = Generator::from_seed(3);
  FakeTracer tracer;
  {
    const Tensor mean = Tensor::from<float>({1, 2}, {2});
    const ContextGuard guard({.kind = ContextKind::outside, .tracer = &tracer});
    const Tensor node = traced.normal<float>({3, 2}, mean, 2.0);
    EXPECT_EQ(node.shape(), (Shape{3, 2}));
    expect_error(ErrorCode::failed_precondition, {"trace"}, [&] { (void)node.values<float>(); });
    expect_error(ErrorCode::failed_precondition, {"traced"}, [&] { traced.skip(1); });
    std::vector<float> array(2);
    expect_error(ErrorCode::failed_precondition, {"traced"}, [&] { traced.fill_normal(array); });
    expect_error(ErrorCode::failed_precondition, {"traced"}, [&] { (void)traced.split(2); });
    expect_error(ErrorCode::failed_precondition, {"traced"}, [&] { traced.reset_from_seed(1); });
    expect_error(ErrorCode::failed_precondition, {"traced"}, [] { Generator::from_seed(1); });
  }
  EXPECT_EQ(traced.state().item<std::int64_t>(0), 3) << "nothing was drawn";
  ASSERT_EQ(tracer.draws.size(), 1u);
  for (int call = 0; call < 2; ++call) {
    TracedDraw& draw = tracer.draws.front();
    Tensor out(draw.dtype, draw.result_shape);
    const auto store = draw.store.lock();
    ASSERT_NE(store, nullptr);
    draw.fill(store->reserve(current_context(), draw.record, draw.blocks, KeyUse::stream), out);
    const Tensor want = eager.normal<float>({3, 2}, Tensor::from<float>({1, 2}, {2}), 2.0);
    EXPECT_TRUE(std::ranges::equal(out.values<float>(), want.values<float>()));
  }
  traced = Generator::from_seed(1);
  EXPECT_TRUE(tracer.draws.front().store.expired()) << "a program holds its generators weakly";
}

// Gives out plain stores, and turns by adding 1,000 blocks before each.
struct FakeDomain final : StreamDomain {
  std::string domain_name = "fake";
  int stores_made = 0;
  std::vector<std::string> turns;

  const std::string& name() const noexcept override { return domain_name; }
  std::shared_ptr<StateStore> make_store(const Context&, const StreamDefinition& definition,
                                         const StreamState& state, StreamOrigin origin,
                                         const StreamLayout&) override {
    ++stores_made;
    return std::make_shared<PlainStore>(definition, state, std::move(origin));
  }
  StreamState entropy_state(const Context&, const StreamOrigin& origin) override {
    return {.counter = {origin.digest(), 0}, .key = 77};
  }
  Reservation reserve_in_turn(const Context&, PlainStore& store, const CallRecord& record,
                              std::uint64_t) override {
    turns.push_back(record.to_string());
    const StreamState state = store.peek();
    return {state.key, state.counter + 1000};
  }
};

TEST(StreamDomain, MakesStoresAndOrdersDrawsOnOutsideOnes) {
  auto outside = Generator::from_seed(1);
  FakeDomain domain;
  const ContextGuard scope({.kind = ContextKind::cross_replica, .domain = &domain});
  auto inside = Generator::from_seed(2);
  EXPECT_EQ(domain.stores_made, 1);
  EXPECT_EQ(Generator::from_non_deterministic_state().key(), 77) << "entropy is the domain's";
  const ContextGuard replica({.kind = ContextKind::replica, .domain = &domain});
  auto shifted = Generator::from_seed(1);
  (void)outside.normal<float>({2});
  ASSERT_EQ(domain.turns.size(), 1u);
  EXPECT_THAT(domain.turns[0], testing::HasSubstr("normal f32 [2] at seams_test.cc:"));
  expect_error(ErrorCode::failed_precondition, {"outside"}, [&] { outside.reset_from_seed(1); });
}

TEST(Tensor, OnADeviceIsNotReadOnTheCpu) {
  int memory = 0;
  Tensor tensor = Tensor::adopt(DType::f32, {1}, {DeviceKind::cuda, 1}, &memory, [](void*) {});
  expect_error(ErrorCode::failed_precondition, {"GPU 1"}, [&] { (void)tensor.values<float>(); });
  EXPECT_EQ(tensor.to_string(), "<f32 [1] on GPU 1>");
}

TEST(CallRecord, EqualCallsHaveEqualFingerprints) {
  const Shape shape = {2, 3};
  const Shape other = {3, 2};
  const CallRecord record{
      .operation = Operation::normal, .dtype = DType::f32, .shape = shape, .scalars = {1, 2}};
  const auto changed = [&](auto change) {
    CallRecord copy = record;
    change(copy);
    return copy.fingerprint() != record.fingerprint();
  };
  EXPECT_FALSE(changed([](CallRecord& r) { r.location = std::source_location::current(); }));
  EXPECT_TRUE(changed([](CallRecord& r) { r.operation = Operation::uniform; }));
  EXPECT_TRUE(changed([](CallRecord& r) { r.dtype = DType::f64; }));
  EXPECT_TRUE(changed([&](CallRecord& r) { r.shape = other; }));
  EXPECT_TRUE(changed([](CallRecord& r) { r.scalars[1] = 3; }));
}

}  // namespace
}  // namespace counterpoint
