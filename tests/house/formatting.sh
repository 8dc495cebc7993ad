#!/bin/sh
# Says which C++ files clang-format would change.
#
#   formatting.sh CLANG_FORMAT SOURCE_DIR
set -eu
format=$1
cd "$2"
checked=0
status=0
for file in $(find kernels runtime strategy checkpoint examples tests bench tools counterpoint.h \
    -name '*.cc' -o -name '*.h' -o -name '*.cu'); do
  checked=$((checked + 1))
  if ! "$format" "$file" | cmp -s - "$file"; then
    echo "$file is not formatted: $format -i $file"
    status=1
  fi
done
echo "$checked files"
[ "$checked" -gt 50 ] && exit $status
echo "too few files were found" >&2
exit 1
