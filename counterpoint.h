// Counterpoint: TensorFlow's random streams for distributed C++ programs. All of it in one header.
//
//   auto world = cp::Communicator::world(&argc, &argv);
//   cp::MirroredStrategy strategy(world, {.replicas_per_rank = 2});
//   auto scope = strategy.scope();
//   auto noise = cp::Generator::from_seed(1);  // one stream a replica
#pragma once

#if __cplusplus < 202002L
#error "Counterpoint needs C++20: compile with -std=c++20"
#endif

#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/checkpoint/checkpoint_file.h"
#include "counterpoint/checkpoint/checkpoint_manager.h"
#include "counterpoint/checkpoint/tensorflow_import.h"
#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/fill_threads.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/runtime/global_generator.h"
#include "counterpoint/runtime/reuse_detector.h"
#include "counterpoint/runtime/saveable.h"
#include "counterpoint/runtime/sharded_draws.h"
#include "counterpoint/runtime/stateless.h"
#include "counterpoint/runtime/stream_layout.h"
#include "counterpoint/runtime/tensor.h"
#include "counterpoint/strategy/micro_batches.h"
#include "counterpoint/strategy/mirrored_strategy.h"
