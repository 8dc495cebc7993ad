target_sources(counterpoint_runtime PRIVATE
  collective_call.cc
  communicator.cc
  launcher.cc
  reduce_elements.cc
  thread_communicator.cc
  thread_hub.cc
  work.cc)
