# The libraries that Counterpoint is linked with, as imported targets. All are Debian packages. The
# installed package reads this file too: static archives name these libraries to whoever links them.
# GLOBAL makes them known to a project that has this one as a folder.

find_package(Threads REQUIRED GLOBAL)
find_package(MPI REQUIRED COMPONENTS C GLOBAL)
find_package(PkgConfig REQUIRED)
pkg_check_modules(COUNTERPOINT_HWY REQUIRED IMPORTED_TARGET GLOBAL libhwy)
pkg_check_modules(COUNTERPOINT_CRYPTO REQUIRED IMPORTED_TARGET GLOBAL libcrypto)

# Only rank 0 touches files, so the serial HDF5 is the right one: it is thread-safe in Debian, the
# MPI build is not. CMake's FindHDF5 picks either and drags in libcurl; pkg-config is exact.
pkg_search_module(COUNTERPOINT_HDF5 REQUIRED hdf5-serial hdf5)
find_library(COUNTERPOINT_HDF5_LIBRARY NAMES hdf5_serial hdf5
             HINTS ${COUNTERPOINT_HDF5_LIBRARY_DIRS} REQUIRED)
if(NOT TARGET counterpoint_hdf5)
  add_library(counterpoint_hdf5 INTERFACE IMPORTED GLOBAL)
  target_include_directories(counterpoint_hdf5 SYSTEM INTERFACE ${COUNTERPOINT_HDF5_INCLUDE_DIRS})
  target_link_libraries(counterpoint_hdf5 INTERFACE ${COUNTERPOINT_HDF5_LIBRARY})
endif()
