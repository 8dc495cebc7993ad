# Tests: one executable an area or promise, each registered with CTest, under mpirun where it names
# rank counts. Every test has a time limit, so that a hang is a failure. COST is about what a long test takes, in
# seconds: the longest begin first, so that nobody waits for them at the end.

# counterpoint_test(<name> SOURCES <file>... LIBS <target>... [TIMEOUT <seconds>])
# Plain GoogleTest executable; each TEST becomes a CTest test.
function(counterpoint_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LIBS" ${ARGN})
  counterpoint_test_executable(${name} SOURCES ${arg_SOURCES} LIBS ${arg_LIBS} GTest::gmock GTest::gtest_main)
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  gtest_discover_tests(${name} TEST_PREFIX "${name}/" DISCOVERY_TIMEOUT 60
                       PROPERTIES TIMEOUT ${arg_TIMEOUT})
endfunction()

function(counterpoint_test_executable name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  counterpoint_compile_options(${name})
  target_link_libraries(${name} PRIVATE ${arg_LIBS})
  target_compile_definitions(${name} PRIVATE
    COUNTERPOINT_GOLDEN_DIR="${COUNTERPOINT_GOLDEN_DIR}"
    COUNTERPOINT_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
endfunction()

# The environment and flags that Open MPI needs as root in a container and with more ranks than cores. The library
# itself offers the processor to others where it waits; if every poll of MPI does so as well, a test takes minutes
# on a loaded machine.
set(COUNTERPOINT_MPI_ENVIRONMENT
    OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=0
    OMPI_MCA_btl_vader_single_copy_mechanism=none OMPI_MCA_hwloc_base_binding_policy=none)

# counterpoint_mpi_test(<test name> RANKS <n>... COMMAND <executable target> [argument...] [TIMEOUT <s>])
# Registers <test name>/ranks=<n> for each n: mpirun -n <n> <executable> <arguments>. The variable
# COUNTERPOINT_EXPECTED_RANKS tells the program what it must have got.
function(counterpoint_mpi_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "RANKS;COMMAND" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)  # a guard against hangs: loaded machines take their time
  endif()
  list(POP_FRONT arg_COMMAND program)
  foreach(ranks IN LISTS arg_RANKS)
    add_test(NAME ${name}/ranks=${ranks}
             COMMAND ${MPIEXEC_EXECUTABLE} -n ${ranks} $<TARGET_FILE:${program}> ${arg_COMMAND})
    set_tests_properties(${name}/ranks=${ranks} PROPERTIES
      ENVIRONMENT "${COUNTERPOINT_MPI_ENVIRONMENT};COUNTERPOINT_EXPECTED_RANKS=${ranks}"
      TIMEOUT ${arg_TIMEOUT} PROCESSORS 2)
  endforeach()
endfunction()

# counterpoint_job_test(<name> PROGRAM <target> RANKS <n; 0 without mpirun> ARGUMENTS <argument>...
#                       STATUS zero|nonzero TEXTS <regular expression>... [NOT_TEXT <regular expression>]
#                       [ENVIRONMENT <name=value>...])
# A job in which something goes wrong: it must end by itself, within seconds, and say what it saw. It waits for most
# of them, so that it counts as one processor.
set(COUNTERPOINT_EXPECT_JOB ${CMAKE_CURRENT_LIST_DIR}/expect_job.cmake)
function(counterpoint_job_test name)
  cmake_parse_arguments(arg "" "PROGRAM;RANKS;STATUS;NOT_TEXT" "ARGUMENTS;TEXTS;ENVIRONMENT" ${ARGN})
  set(command $<TARGET_FILE:${arg_PROGRAM}> ${arg_ARGUMENTS})
  if(arg_RANKS GREATER 0)
    list(PREPEND command ${MPIEXEC_EXECUTABLE} -n ${arg_RANKS})
  endif()
  add_test(NAME ${name}
           COMMAND ${CMAKE_COMMAND} "-DCOMMAND=${command}" -DSECONDS=40 -DSTATUS=${arg_STATUS} "-DTEXTS=${arg_TEXTS}"
                   "-DNOT_TEXT=${arg_NOT_TEXT}" -P ${COUNTERPOINT_EXPECT_JOB})
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "${COUNTERPOINT_MPI_ENVIRONMENT};${arg_ENVIRONMENT}"
                       TIMEOUT 60)
endfunction()
