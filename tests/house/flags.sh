#!/bin/sh
# The kernels under a user's compiler flags.
#
#   flags.sh native SOURCE INCLUDE DEFINITION...   a file of vector kernels compiles for this machine
#   flags.sh fast_math SOURCE INCLUDE              no file compiles with -ffast-math, and each says why
#   flags.sh options OPTION...                     the project's own options undo a user's -ffast-math
#
# CXX names the compiler. SOURCE is the project's folder, INCLUDE its include root.
set -eu
mode=$1
shift

# The answers of a program, compiled with FLAGS, to what -ffast-math would change.
answers() {  # FLAGS...
  printf '%s\n' '#ifdef __FAST_MATH__' 'fast' '#else' 'IEEE' '#endif' \
    '#if __FINITE_MATH_ONLY__' 'finite' '#endif' >"$scratch/macros.cc"
  "$CXX" "$@" -E -P "$scratch/macros.cc"
  # A sum that contraction rounds once, and one that reassociation makes 0.
  cat >"$scratch/arithmetic.cc" <<'END'
double contracted(double a, double b, double c) { return a * b + c; }
double reassociated(double a, double b) { return (a + b) - a; }
int main(int argc, char**) {
  const double e = 0x1p-27 * argc;
  return contracted(1 + e, 1 + e, -1 - 2 * e) == 0 && reassociated(0x1p60 * argc, 1) == 0 ? 0 : 1;
}
END
  "$CXX" "$@" -O2 "$scratch/arithmetic.cc" -o "$scratch/arithmetic"
  "$scratch/arithmetic" && echo "exact"
}

case $mode in
  native)
    source=$1
    include=$2
    shift 2
    set -- -std=c++20 -march=native -ffp-contract=off -I "$include" "$@"
    echo 'int main() {}' | "$CXX" -march=native -x c++ -fsyntax-only - || exit 77
    "$CXX" "$@" -O1 -c "$source/kernels/simd/philox_uniform.cc" -o /dev/null
    ;;
  fast_math)
    checked=0
    for file in "$1"/kernels/*.cc "$1"/kernels/simd/*.cc; do
      checked=$((checked + 1))
      if message=$("$CXX" -std=c++20 -ffast-math -I "$2" -E "$file" 2>&1 >/dev/null); then
        echo "$file compiles with -ffast-math: include kernels/internal/ieee_arithmetic.h"
        exit 1
      fi
      case $message in
        *"kernels need IEEE arithmetic"*) ;;
        *)
          echo "$message"
          exit 1
          ;;
      esac
    done
    [ "$checked" -ge 20 ]
    ;;
  options)
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    expected=$(printf 'IEEE\nexact')
    for fast in -ffast-math -Ofast; do
      [ "$(answers -march=native "$fast" "$@")" = "$expected" ]
    done
    [ "$(answers -march=native -ffast-math)" != "$expected" ]  # what it is that is undone
    ;;
  *)
    exit 2
    ;;
esac
