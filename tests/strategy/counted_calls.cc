#include "strategy/counted_calls.h"

#include <mpi.h>

namespace counterpoint {

Calls& counted_calls() {
  static Calls all;
  return all;
}

std::string call_of(const char* what, std::int64_t bytes) {
  std::string text = what;
  return text.append(" ").append(std::to_string(bytes));
}

std::int64_t bytes_of(const std::string& call) { return std::stoll(call.substr(call.find(' '))); }

}  // namespace counterpoint

namespace {

void note(const char* what, int bytes) {
  counterpoint::counted_calls().push_back(counterpoint::call_of(what, bytes));
}

}  // namespace

// MPI's profiling interface: these take the place of the library's own, which are the PMPI_ ones.
extern "C" {

int MPI_Iallgather(const void* send, int count, MPI_Datatype type, void* receive, int receive_count,
                   MPI_Datatype receive_type, MPI_Comm comm, MPI_Request* request) {
  note("allgather", send == MPI_IN_PLACE ? receive_count : count);
  return PMPI_Iallgather(send, count, type, receive, receive_count, receive_type, comm, request);
}

int MPI_Iallreduce(const void* send, void* receive, int count, MPI_Datatype type, MPI_Op op,
                   MPI_Comm comm, MPI_Request* request) {
  int bytes = 0;
  PMPI_Type_size(type, &bytes);
  note("allreduce", count * bytes);
  return PMPI_Iallreduce(send, receive, count, type, op, comm, request);
}

int MPI_Ialltoall(const void* send, int count, MPI_Datatype type, void* receive, int receive_count,
                  MPI_Datatype receive_type, MPI_Comm comm, MPI_Request* request) {
  note("alltoall", count);
  return PMPI_Ialltoall(send, count, type, receive, receive_count, receive_type, comm, request);
}

int MPI_Ibcast(void* buffer, int count, MPI_Datatype type, int root, MPI_Comm comm,
               MPI_Request* request) {
  note("broadcast", count);
  return PMPI_Ibcast(buffer, count, type, root, comm, request);
}

int MPI_Ibarrier(MPI_Comm comm, MPI_Request* request) {
  note("barrier", 0);
  return PMPI_Ibarrier(comm, request);
}

int MPI_Comm_idup(MPI_Comm comm, MPI_Comm* duplicate, MPI_Request* request) {
  note("duplicate", 0);
  return PMPI_Comm_idup(comm, duplicate, request);
}

int MPI_Isend(const void* buffer, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
              MPI_Request* request) {
  note("send", count);
  return PMPI_Isend(buffer, count, type, to, tag, comm, request);
}

}  // extern "C"
