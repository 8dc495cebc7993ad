#!/bin/bash
# The stories of train_digits while reuse is watched for: reuse_story.sh CASE PROGRAMS SCRATCH
set -euo pipefail
readonly case=$1 programs=$2 scratch=$3
export COUNTERPOINT_DETECT_REUSE=1
bash "$(dirname "${BASH_SOURCE[0]}")/../examples/story_test.sh" "$case" "$programs" "$scratch"
# It was watched: every checkpoint has the ledger of what was drawn.
files=0
for file in "$scratch"/*/checkpoint-*.h5; do
  grep -q reuse_ledger "$file" || { echo "FAILED: $file has no ledger" >&2; exit 1; }
  files=$((files + 1))
done
((files > 0)) || { echo "FAILED: no checkpoints" >&2; exit 1; }
echo "PASSED, watched: $case"
