// The end of a file of vector kernels: a function that runs a kernel on the best instruction set there
// is, and returns what the kernel does.
//
//   COUNTERPOINT_DISPATCH(fill_philox_uniform, FillUniform, const Fill&)
//   // const char* fill_philox_uniform(const Fill&), which calls FillUniform of one target
//
// After the target's namespaces. A macro, since Highway has its table named after the kernel; it does
// nothing but the last time that foreach_target.h includes the file.

#undef COUNTERPOINT_DISPATCH
#if HWY_ONCE
#define COUNTERPOINT_DISPATCH(function, kernel, Argument)                                    \
  namespace counterpoint::inline v1::kernels {                                               \
  HWY_EXPORT(kernel);                                                                        \
  const char* function(Argument argument) { return HWY_DYNAMIC_DISPATCH(kernel)(argument); } \
  }
#else
#define COUNTERPOINT_DISPATCH(function, kernel, Argument)
#endif
