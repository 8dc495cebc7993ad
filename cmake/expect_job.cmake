# Runs a job and judges it by what it printed as well as by its exit status: launchers' statuses lie,
# and a job that never ends must fail here, not hang.
#   cmake -DCOMMAND=<list> -DSECONDS=<n> -DSTATUS=<zero|nonzero> -DTEXTS=<list of regular expressions>
#         [-DNOT_TEXT=<regular expression>] -P expect_job.cmake
# A `;` in a text would make two of it, each to be found anywhere: write `.`.
execute_process(COMMAND ${COMMAND} TIMEOUT ${SECONDS} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
string(APPEND output "\nstatus: ${status}\n")
message("${output}")
# Once in a while Open MPI's mpirun itself crashes as it tidies up after a job that it has ended, all said and done.
if(status STREQUAL "Segmentation fault" AND output MATCHES "PMIx_server_finalize[^\n]*\n[^\n]*server_finalize.*orte_finalize")
  set(status 139)
endif()
if(NOT status MATCHES "^[0-9]+$" OR (STATUS STREQUAL "zero" AND NOT status EQUAL 0)
   OR (STATUS STREQUAL "nonzero" AND status EQUAL 0))
  message(FATAL_ERROR "the job ended with '${status}', wanted ${STATUS} within ${SECONDS} s")
endif()
if(NOT TEXTS)
  message(FATAL_ERROR "nothing to check")
endif()
foreach(text IN LISTS TEXTS)
  if(text MATCHES "^ ")
    message(FATAL_ERROR "half a text, '${text}': write `.` for `;`")
  endif()
  string(REPLACE ".*" "[^\n]*" in_a_line "${text}")  # what one rank says is not said by another
  if(NOT output MATCHES "${in_a_line}")
    message(FATAL_ERROR "the output lacks: ${text}")
  endif()
endforeach()
if(NOT_TEXT AND output MATCHES "${NOT_TEXT}")
  message(FATAL_ERROR "the output has: ${NOT_TEXT}")
endif()
