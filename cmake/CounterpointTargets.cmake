# How every target of the project is made: flags, include root, visibility.

# Headers are included as counterpoint/<folder>/<file>.h, in the tree and after install alike.
# Each folder is linked by itself: one link to the root would make a loop.
set(COUNTERPOINT_INCLUDE_ROOT ${PROJECT_BINARY_DIR}/include)
file(MAKE_DIRECTORY ${COUNTERPOINT_INCLUDE_ROOT}/counterpoint)
foreach(folder kernels runtime strategy checkpoint counterpoint.h)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${folder} ${COUNTERPOINT_INCLUDE_ROOT}/counterpoint/${folder} SYMBOLIC)
endforeach()

function(counterpoint_compile_options target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  # Bits are promised: GCC and Clang contract a*b+c by default, which changes them, and a user's flags may
  # ask for -ffast-math.
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion
                         -Wnon-virtual-dtor -Woverloaded-virtual -fno-fast-math -ffp-contract=off)
  if(COUNTERPOINT_WARNINGS_AS_ERRORS)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(COUNTERPOINT_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${COUNTERPOINT_SANITIZE} -fno-omit-frame-pointer
                           -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${COUNTERPOINT_SANITIZE})
  endif()
endfunction()

# One library a folder: target counterpoint_<folder>, alias Counterpoint::<folder>.
# counterpoint_library(<folder> SOURCES <file>... PUBLIC <target>... PRIVATE <target>...)
function(counterpoint_library folder)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(counterpoint_${folder} ${arg_SOURCES})
  add_library(Counterpoint::${folder} ALIAS counterpoint_${folder})
  counterpoint_compile_options(counterpoint_${folder})
  set_target_properties(counterpoint_${folder} PROPERTIES
    EXPORT_NAME ${folder} POSITION_INDEPENDENT_CODE ON
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  target_include_directories(counterpoint_${folder} PUBLIC
    $<BUILD_INTERFACE:${COUNTERPOINT_INCLUDE_ROOT}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  # What a library uses inside stays inside: static archives still name it at link time.
  target_link_libraries(counterpoint_${folder} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
endfunction()

function(counterpoint_add_umbrella)
  add_library(counterpoint INTERFACE)
  add_library(Counterpoint::counterpoint ALIAS counterpoint)
  target_link_libraries(counterpoint INTERFACE
    counterpoint_kernels counterpoint_runtime counterpoint_strategy counterpoint_checkpoint)
endfunction()
