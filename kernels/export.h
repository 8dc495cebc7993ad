// Marks the symbols that a shared build of Counterpoint shows; all others are hidden.
#pragma once

#define COUNTERPOINT_PUBLIC __attribute__((visibility("default")))
