#!/bin/bash
# Builds everything and runs every test: from a fresh clone on a bare Debian 12 to the last line,
# which says how many tests passed. Ends with an error if one did not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
SECONDS=0

scripts/install_dependencies.sh --tests
cmake --preset release -DCOUNTERPOINT_WARNINGS_AS_ERRORS=ON
cmake --build --preset release --parallel 2

mkdir -p build/release/test-results
readonly log=build/release/test-results/ctest.log
status=0
ctest --preset release --parallel 2 --output-log "$log" || status=$?

# "100% tests passed, 0 tests failed out of 312"
summary=$(grep -E '^[0-9]+% tests passed' "$log" || echo "no test was run")
took="$((SECONDS / 60)) min $((SECONDS % 60)) s"
if ((status == 0)); then
  echo "test.sh: passed: $summary; $took with building"
else
  echo "test.sh: FAILED: $summary; $took with building"
fi
exit $status
