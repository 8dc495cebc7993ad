# Which headers are public: those of the four folders themselves. What lies in a sub-folder is private,
# kernels/cuda excepted.

# Sets `result` to their paths, relative to the project.
function(counterpoint_public_headers result)
  file(GLOB headers RELATIVE ${PROJECT_SOURCE_DIR} CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/kernels/*.h ${PROJECT_SOURCE_DIR}/kernels/cuda/*.h
    ${PROJECT_SOURCE_DIR}/runtime/*.h ${PROJECT_SOURCE_DIR}/strategy/*.h
    ${PROJECT_SOURCE_DIR}/checkpoint/*.h)
  set(${result} counterpoint.h ${headers} PARENT_SCOPE)
endfunction()
