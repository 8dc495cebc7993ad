# `cmake --install`: libraries, public headers, find_package(Counterpoint) and pkg-config.

include(CMakePackageConfigHelpers)
include(CounterpointHeaders)
set(COUNTERPOINT_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/Counterpoint)
set(counterpoint_libraries counterpoint_kernels counterpoint_runtime counterpoint_strategy counterpoint_checkpoint)

# fmt is used from its headers alone, which a user of the libraries does not need.
foreach(library IN LISTS counterpoint_libraries)
  get_target_property(linked ${library} INTERFACE_LINK_LIBRARIES)
  list(REMOVE_ITEM linked "$<LINK_ONLY:fmt::fmt-header-only>")
  set_target_properties(${library} PROPERTIES INTERFACE_LINK_LIBRARIES "${linked}")
endforeach()

install(TARGETS counterpoint ${counterpoint_libraries} EXPORT CounterpointTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

counterpoint_public_headers(counterpoint_headers)
foreach(header IN LISTS counterpoint_headers)
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${PROJECT_SOURCE_DIR}/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/counterpoint/${folder})
endforeach()

# The package looks for its libraries with the same file as the build.
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/CounterpointConfig.cmake.in
  ${PROJECT_BINARY_DIR}/CounterpointConfig.cmake INSTALL_DESTINATION ${COUNTERPOINT_CMAKE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/CounterpointConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/CounterpointConfig.cmake
  ${PROJECT_BINARY_DIR}/CounterpointConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/cmake/CounterpointLinkDependencies.cmake DESTINATION ${COUNTERPOINT_CMAKE_DIR})
install(EXPORT CounterpointTargets NAMESPACE Counterpoint:: DESTINATION ${COUNTERPOINT_CMAKE_DIR})

# Static archives need their libraries named by whoever links them, shared ones bring them along.
# A package that pkg-config does not know is named by its library instead.
set(requires "")
set(libraries "-pthread")
foreach(package ${COUNTERPOINT_HDF5_MODULE_NAME} libhwy libcrypto)
  string(APPEND requires " ${package}")
endforeach()
pkg_check_modules(COUNTERPOINT_MPI_MODULE QUIET mpi-c)
if(COUNTERPOINT_MPI_MODULE_FOUND)
  set(mpi_requires mpi-c)
else()
  list(TRANSFORM MPI_C_INCLUDE_DIRS PREPEND "-I" OUTPUT_VARIABLE mpi_flags)
  list(JOIN mpi_flags " " mpi_flags)
  list(JOIN MPI_C_LIBRARIES " " mpi_libraries)
endif()
if(BUILD_SHARED_LIBS)
  set(counterpoint_pc_private "Requires.private:${requires}")
  set(counterpoint_pc_libraries "${mpi_libraries}")
else()
  string(PREPEND mpi_requires "${requires} ")
  set(counterpoint_pc_libraries "${mpi_libraries} ${libraries}")
endif()
string(STRIP "${mpi_requires}" counterpoint_pc_requires)
file(RELATIVE_PATH counterpoint_pc_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${PROJECT_SOURCE_DIR}/cmake/counterpoint.pc.in ${PROJECT_BINARY_DIR}/counterpoint.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/counterpoint.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
