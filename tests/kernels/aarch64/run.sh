#!/bin/bash
# Cross-compiles kernels/ for 64-bit Arm, NEON and SVE, and runs its paths under an emulator if there is one.
#
#   tests/kernels/aarch64/run.sh SOURCE_DIR INCLUDE_DIR PROGRAM.cc WORK_DIR
#
# Exits with 77 (skipped) without aarch64-linux-gnu-g++; COUNTERPOINT_JOBS files compile at once.
set -euo pipefail

source=${1:?usage: run.sh SOURCE_DIR INCLUDE_DIR PROGRAM.cc WORK_DIR} include=${2:?} program=${3:?} work=${4:?}
compiler=aarch64-linux-gnu-g++
command -v $compiler >/dev/null || { echo "no $compiler: nothing was compiled"; exit 77; }

mkdir -p "$work/include"
ln -sfn "$(dirname "$(echo '#include <hwy/highway.h>' | c++ -E -xc++ - -M | grep -o '/[^ ]*hwy/highway.h')")" "$work/include/hwy"
options=(-std=gnu++20 -O1 -ffp-contract=off -fno-math-errno -Wall -Wextra -Werror -Wno-psabi
         -I"$work/include" -I"$include")

# targets.cc needs libhwy, whose place the program takes.
mapfile -t files < <(cd "$source/kernels" && find . -name '*.cc' ! -name targets.cc -printf '%P\n' | sort)
((${#files[@]} > 10)) || { echo "no kernels in $source/kernels" >&2; exit 1; }
export compiler source work
rm -f "$work"/*.cc.o
compile() {
  local object=$work/${1//\//_}.o
  $compiler "${@:2}" -c "$source/kernels/$1" -o "$object"
}
export -f compile
printf '%s\0' "${files[@]}" |
  xargs -0 -P "${COUNTERPOINT_JOBS:-1}" -I{} bash -c 'compile "$@"' _ {} "${options[@]}"
$compiler "${options[@]}" -static "$program" "$work"/*.cc.o -o "$work/paths"
echo "compiled ${#files[@]} files"

emulator=$(command -v qemu-aarch64-static || command -v qemu-aarch64 || true)
[[ -n $emulator ]] || { echo "no qemu-aarch64: compiled, not run"; exit 0; }
failed=0
for target in $("$emulator" "$work/paths"); do
  case $target in
    SVE_256) bytes=32 ;;
    SVE2_128) bytes=16 ;;
    *) bytes=64 ;;
  esac
  case $target in
    EMU128 | SCALAR) continue ;;
  esac
  "$emulator" -cpu "max,sve-default-vector-length=$bytes" "$work/paths" "$target" || failed=1
done
exit $failed
