# Which headers are public: those of the four folders themselves, unless their first line says that
# they are private. What lies in a sub-folder is private, kernels/cuda excepted.

# Sets `result` to their paths, relative to the project.
function(counterpoint_public_headers result)
  file(GLOB candidates RELATIVE ${PROJECT_SOURCE_DIR} CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/kernels/*.h ${PROJECT_SOURCE_DIR}/kernels/cuda/*.h
    ${PROJECT_SOURCE_DIR}/runtime/*.h ${PROJECT_SOURCE_DIR}/strategy/*.h
    ${PROJECT_SOURCE_DIR}/checkpoint/*.h)
  set(headers counterpoint.h)
  foreach(header IN LISTS candidates)
    file(STRINGS ${PROJECT_SOURCE_DIR}/${header} first LIMIT_COUNT 1)
    if(NOT first MATCHES "^// Private")
      list(APPEND headers ${header})
    endif()
  endforeach()
  set(${result} ${headers} PARENT_SCOPE)
endfunction()
