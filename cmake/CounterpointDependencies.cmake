# The libraries that Counterpoint is built on, as imported targets. All are Debian packages.

# Only rank 0 touches files, so the serial HDF5 is the right one: it is thread-safe in Debian, the
# MPI build is not. CMake's FindHDF5 picks either and drags in libcurl; pkg-config is exact.
find_package(PkgConfig REQUIRED)
pkg_search_module(COUNTERPOINT_HDF5 REQUIRED IMPORTED_TARGET hdf5-serial hdf5)
find_library(COUNTERPOINT_HDF5_LIBRARY NAMES hdf5_serial hdf5
             HINTS ${COUNTERPOINT_HDF5_LIBRARY_DIRS} REQUIRED)
add_library(counterpoint_hdf5 INTERFACE IMPORTED)
target_include_directories(counterpoint_hdf5 SYSTEM INTERFACE ${COUNTERPOINT_HDF5_INCLUDE_DIRS})
target_link_libraries(counterpoint_hdf5 INTERFACE ${COUNTERPOINT_HDF5_LIBRARY})

find_package(MPI REQUIRED COMPONENTS C)
find_package(fmt REQUIRED)
pkg_check_modules(COUNTERPOINT_HWY REQUIRED IMPORTED_TARGET libhwy)
pkg_check_modules(COUNTERPOINT_CRYPTO REQUIRED IMPORTED_TARGET libcrypto)

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
