#!/bin/sh
# Builds trainer.cc as a user would and runs it under mpirun with two ranks.
#
#   linking.sh install BUILD SCRATCH                installs the build tree to SCRATCH/prefix
#   linking.sh find_package SOURCE SCRATCH          with that prefix, by CMake
#   linking.sh pkg_config SOURCE SCRATCH            with that prefix, by pkg-config
#   linking.sh add_subdirectory SOURCE SCRATCH      as a folder of the user's, with shared libraries
#
# CMAKE, CXX and MPIEXEC name the programs to use.
set -eu
mode=$1
from=$2
scratch=$3
prefix=$scratch/prefix
here=$(dirname "$0")
build=$scratch/$mode

train() {
  output=$("$MPIEXEC" -n 2 "$1")
  echo "$output"
  [ "$output" = trained ]
}

case $mode in
  install)
    rm -rf "$prefix"
    "$CMAKE" --install "$from" --prefix "$prefix"
    # The package must not lead back to the tree that it was built in or from.
    if grep -rlF -e "$from" -e "${4:?source folder}/" "$prefix/include" "$prefix"/lib*/cmake \
        "$prefix"/lib*/pkgconfig; then
      echo "these installed files name the build machine's folders" >&2
      exit 1
    fi
    ;;
  find_package)
    rm -rf "$build"
    "$CMAKE" -S "$here" -B "$build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$CXX" \
      -DCMAKE_BUILD_TYPE=Release
    "$CMAKE" --build "$build"
    train "$build/trainer"
    ;;
  pkg_config)
    mkdir -p "$build"
    PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name counterpoint.pc)")
    export PKG_CONFIG_PATH
    # shellcheck disable=SC2046  # the flags are words
    "$CXX" -std=c++20 "$here/trainer.cc" -o "$build/trainer" $(pkg-config --cflags --libs counterpoint)
    train "$build/trainer"
    ;;
  add_subdirectory)
    "$CMAKE" -S "$here" -B "$build" -DCOUNTERPOINT_SOURCE="$from" -DBUILD_SHARED_LIBS=ON \
      -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0
    "$CMAKE" --build "$build" --parallel 2
    train "$build/trainer"
    ;;
  *)
    echo "unknown mode $mode" >&2
    exit 2
    ;;
esac
