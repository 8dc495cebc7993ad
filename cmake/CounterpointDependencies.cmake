# The libraries that Counterpoint is built on.
include(CounterpointLinkDependencies)
find_package(fmt REQUIRED)

# Sets `result` from an option that is ON, OFF or AUTO; ON without the package is an error.
function(counterpoint_enabled_if_found option package result)
  set(${result} OFF PARENT_SCOPE)
  if(${option} STREQUAL "AUTO" AND NOT PROJECT_IS_TOP_LEVEL)
    return()
  endif()
  if(NOT ${option} STREQUAL "OFF")
    find_package(${package} QUIET)
    if(${package}_FOUND)
      set(${result} ON PARENT_SCOPE)
    elseif(${option} STREQUAL "ON")
      message(FATAL_ERROR "${option} is ON, but ${package} was not found")
    endif()
  endif()
endfunction()
