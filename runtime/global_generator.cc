#include "counterpoint/runtime/global_generator.h"

#include <memory>
#include <mutex>
#include <utility>

#include "counterpoint/runtime/context.h"
#include "counterpoint/runtime/state_store.h"

namespace counterpoint::inline v1 {
namespace {

struct GlobalStore {
  std::mutex mutex;
  std::shared_ptr<StateStore> store;
};

GlobalStore& global_store() {
  // Leaked, so that it can be used until the process ends.
  static auto* const global = new GlobalStore;
  return *global;
}

// The generator belongs to all replicas, also where one of them asks first.
Generator make_global() {
  Context context = current_context();
  if (context.kind == ContextKind::replica) context.kind = ContextKind::cross_replica;
  const ContextGuard guard(context);
  return Generator::from_non_deterministic_state({.name = std::string(global_generator_name)});
}

}  // namespace

Generator get_global_generator() {
  GlobalStore& global = global_store();
  const std::scoped_lock lock(global.mutex);
  if (global.store == nullptr) global.store = make_global().store();
  return Generator(global.store);
}

void set_global_generator(Generator generator) {
  GlobalStore& global = global_store();
  const std::scoped_lock lock(global.mutex);
  global.store = generator.store();
}

}  // namespace counterpoint::inline v1
