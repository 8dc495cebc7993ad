// Records the checkpoints of a format version that is to be released.
//
//   record_checkpoints tests/golden/checkpoints_v<N>
#include "checkpoint/released_checkpoints.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  checkpoint_tests::write_released_checkpoints(argv[1]);
}
