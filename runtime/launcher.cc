#include "counterpoint/runtime/internal/launcher.h"

#include <charconv>
#include <cstdlib>
#include <cstring>

namespace counterpoint::inline v1 {
namespace {

struct Announcement {
  const char* size;  // null where only the rank is told
  const char* rank;
};

// MPI's own launchers come before Slurm: mpirun's daemons run as Slurm steps of their own, and what
// they start inherits those variables. SLURM_NTASKS is set in every batch script, launched or not.
constexpr Announcement announcements[] = {
    {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},  // Open MPI
    {"PMI_SIZE", "PMI_RANK"},                          // MPICH, Intel MPI, Cray
    {"MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK"},    // MVAPICH
    {"FLUX_JOB_SIZE", "FLUX_TASK_RANK"},
    {"SLURM_STEP_NUM_TASKS", "SLURM_PROCID"},
    {nullptr, "PMIX_RANK"},
};

int number_or(const char* text, int otherwise) {
  if (text == nullptr) return otherwise;
  int number = otherwise;
  std::from_chars(text, text + std::strlen(text), number);
  return number;
}

}  // namespace

std::optional<Launcher> find_launcher() {
  for (const auto& [size, rank] : announcements) {
    const char* const variable = size != nullptr ? size : rank;
    const char* const value = std::getenv(variable);
    if (value == nullptr) continue;
    const int ranks = size != nullptr ? number_or(value, 0) : 0;
    const bool slurm = std::strncmp(variable, "SLURM_", 6) == 0;
    if (slurm && ranks <= 1) continue;
    return Launcher{variable, value, ranks, number_or(std::getenv(rank), -1)};
  }
  return std::nullopt;
}

}  // namespace counterpoint::inline v1
