target_sources(counterpoint_runtime PRIVATE
  collective_call.cc
  communicator.cc
  launcher.cc
  mpi_channel.cc
  mpi_communicator.cc
  mpi_operation.cc
  mpi_roll_call.cc
  mpi_session.cc
  reduce_elements.cc
  thread_communicator.cc
  thread_hub.cc
  work.cc)
