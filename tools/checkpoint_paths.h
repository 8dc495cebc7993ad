// What a path on the command line stands for: a file for itself, a folder for the checkpoints that a
// CheckpointManager keeps in it.
//
//   for (const std::string& file : files_of("run")) verify(file);   // oldest first
//   inspect(latest_of("run"));                                      // the newest
//
// Thread-safety: any threads.
#pragma once

#include <string>
#include <vector>

namespace counterpoint::tools {

// Files that a manager takes for checkpoints, by step. Errors: not_found for a folder without one or
// that cannot be read.
std::vector<std::string> files_of(const std::string& path);
std::string latest_of(const std::string& path);

// Errors: not_found for a file that this process has no permission to read. What is no file, or
// not there, is left to its reader.
void require_readable(const std::string& path);

}  // namespace counterpoint::tools
