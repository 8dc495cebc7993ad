// What records a function while it is traced. Nothing is drawn or sent then: a draw leaves a node.
//
//   if (context.tracer != nullptr) return context.tracer->record_draw(std::move(draw));
//
// Thread-safety: one thread traces.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "counterpoint/runtime/state_store.h"
#include "counterpoint/runtime/tensor.h"

namespace counterpoint::inline v1 {

// A draw to make at each call of the traced function.
struct TracedDraw {
  std::weak_ptr<StateStore> store;  // dead when called is failed_precondition
  CallRecord record;                // its shape refers to `shape`
  Shape shape;                      // logical, of the draw
  std::uint64_t blocks = 0;
  DType dtype = DType::f32;
  Shape result_shape;
  // Writes the elements of a reservation into a tensor of dtype and result_shape.
  std::function<void(const Reservation&, Tensor&)> fill;
};

class COUNTERPOINT_PUBLIC Tracer {
 public:
  virtual ~Tracer();
  virtual Tensor record_draw(TracedDraw draw) = 0;
};

}  // namespace counterpoint::inline v1
