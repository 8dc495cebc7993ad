// Counterpoint: TensorFlow's random streams for distributed C++ programs. All of it in one header.
//
//   auto world = cp::Communicator::world(&argc, &argv);
//   cp::MirroredStrategy strategy(world, {.replicas_per_rank = 2});
//   auto scope = strategy.scope();
//   auto noise = cp::Generator::from_seed(1);  // one stream a replica
#pragma once
