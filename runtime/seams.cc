// The anchors of the interfaces' virtual tables.
#include "counterpoint/runtime/stream_domain.h"
#include "counterpoint/runtime/tracer.h"

namespace counterpoint::inline v1 {

StreamDomain::~StreamDomain() = default;
Tracer::~Tracer() = default;

}  // namespace counterpoint::inline v1
