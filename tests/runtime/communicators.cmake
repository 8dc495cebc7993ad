set(communicator_scenarios communicator_scenarios_values.cc communicator_scenarios_work.cc)
counterpoint_test(communicator_threads_test
  SOURCES communicator_threads_test.cc ${communicator_scenarios}
  LIBS counterpoint_runtime)

counterpoint_test(fingerprint_test SOURCES fingerprint_test.cc LIBS counterpoint_runtime)

counterpoint_test_executable(communicator_mpi_test
  SOURCES communicator_mpi_test.cc ${communicator_scenarios}
  LIBS counterpoint_runtime GTest::gtest)
counterpoint_mpi_test(communicator_mpi RANKS 1 2 3 4 COMMAND communicator_mpi_test)

counterpoint_test_executable(communicator_user_mpi SOURCES communicator_user_mpi.cc LIBS counterpoint_runtime)
counterpoint_mpi_test(communicator_user_mpi RANKS 1 2 3 4 COMMAND communicator_user_mpi)
counterpoint_mpi_test(communicator_user_mpi_single RANKS 2 COMMAND communicator_user_mpi single)

counterpoint_test_executable(communicator_faults SOURCES communicator_faults.cc LIBS counterpoint_runtime)

set(saw_expiry "deadline_exceeded: call 2, all_reduce of 8 f64, sum: rank 1 .no answer. did not arrive within 1 s")
set(saw_unusable "failed_precondition: this communicator is unusable since: call 2, all_reduce")
foreach(fault hangs stops leaves)
  counterpoint_job_test(communicator_faults/${fault} PROGRAM communicator_faults RANKS 3 ARGUMENTS ${fault} STATUS nonzero
    TEXTS "rank 0 saw ${saw_expiry}" "rank 2 saw ${saw_expiry}" "rank 0 saw ${saw_unusable}" "rank 2 saw ${saw_unusable}"
    NOT_TEXT "saw nothing")
endforeach()
counterpoint_job_test(communicator_faults/hangs_large PROGRAM communicator_faults RANKS 3 ARGUMENTS hangs_large STATUS nonzero
  TEXTS "rank 0 saw deadline_exceeded: call 2, all_reduce of 5000000 f64, sum: rank 1"
        "rank 2 saw deadline_exceeded: call 2, all_reduce of 5000000 f64, sum: rank 1"
  NOT_TEXT "saw nothing")
counterpoint_job_test(communicator_faults/late PROGRAM communicator_faults RANKS 3 ARGUMENTS late STATUS nonzero
  TEXTS "rank 0 saw ${saw_expiry}" "rank 2 saw ${saw_expiry}"
        "rank 1 saw deadline_exceeded: call 2, all_reduce of 8 f64, sum: rank 1 .made 1 calls." "rank 1 saw ${saw_unusable}"
  NOT_TEXT "saw nothing")
# Rank 0 waits already as rank 1 gives up; rank 2 hears of it as it starts the same call.
counterpoint_job_test(communicator_faults/gives_up PROGRAM communicator_faults RANKS 3 ARGUMENTS gives_up STATUS nonzero
  TEXTS "rank 0 saw resource_exhausted: rank 1: out of gradients" "rank 2 saw resource_exhausted: rank 1: out of gradients"
        "rank 1 saw failed_precondition: this communicator is unusable since: rank 1: out of gradients"
  NOT_TEXT "saw nothing")
# Who has waited in vain for something of its own cannot tell who else is gone: all find out.
counterpoint_job_test(communicator_faults/waits_in_vain PROGRAM communicator_faults RANKS 4 ARGUMENTS waits_in_vain STATUS nonzero
  TEXTS "rank 0 saw deadline_exceeded: rank 1: my own part is late" "rank 3 saw deadline_exceeded: rank 1: my own part is late"
        "rank 0 hears nothing of 2, but of the others" "rank 1 hears nothing of 2, but of the others" "rank 3 hears nothing of 2, but of the others"
  NOT_TEXT "saw nothing")
# Who has heard of another failure before is there all the same.
counterpoint_job_test(communicator_faults/both_give_up PROGRAM communicator_faults RANKS 3 ARGUMENTS both_give_up STATUS nonzero
  TEXTS "rank 0 saw resource_exhausted: .*rank 1: out of gradients" "rank 2 hears nothing of, but of the others")
counterpoint_job_test(communicator_faults/drops_large PROGRAM communicator_faults RANKS 2 ARGUMENTS drops_large STATUS nonzero
  TEXTS "rank 0 saw failed_precondition: rank 1: call 2, all_reduce of 5000000 f64, sum: given up before all of its payload was read"
  NOT_TEXT "saw nothing")
# mpirun sees the death itself; nobody may be left behind.
counterpoint_job_test(communicator_faults/dies PROGRAM communicator_faults RANKS 3 ARGUMENTS dies STATUS nonzero
  TEXTS "signal 9" NOT_TEXT "saw nothing")
# Linked with another MPI than the launcher's: the launcher announces four, MPI sees one.
counterpoint_job_test(communicator_faults/mismatched_world PROGRAM communicator_faults RANKS 0 ARGUMENTS none STATUS nonzero
  TEXTS "no world: failed_precondition: the launcher announces 4 ranks .PMI_SIZE=4., but MPI sees one rank"
  ENVIRONMENT PMI_SIZE=4)
counterpoint_job_test(communicator_faults/mismatched_rank PROGRAM communicator_faults RANKS 0 ARGUMENTS none STATUS nonzero
  TEXTS "no world: failed_precondition: the launcher announces 4 ranks .SLURM_STEP_NUM_TASKS=4., but MPI sees one rank"
  ENVIRONMENT SLURM_STEP_NUM_TASKS=4 SLURM_PROCID=2)
# The negative control: without a fault the same program ends well.
counterpoint_job_test(communicator_faults/none PROGRAM communicator_faults RANKS 3 ARGUMENTS none STATUS zero
  TEXTS "rank 0 saw nothing" "rank 1 saw nothing" "rank 2 saw nothing" NOT_TEXT "deadline")
