#!/bin/bash
# Installs what building and training needs from Debian 12; with --tests, what the tests need as
# well. Packages that are there stay as they are, and where all are, nothing is fetched.
set -euo pipefail

packages=(
  build-essential cmake ninja-build pkg-config
  libopenmpi-dev openmpi-bin libhdf5-dev libhwy-dev libxxhash-dev libcli11-dev libfmt-dev libssl-dev
  # Configuring looks for the tests' and benchmarks' libraries, whatever is built.
  nlohmann-json3-dev libgtest-dev libgmock-dev libbenchmark-dev
)
if [[ ${1:-} == --tests ]]; then
  packages+=(hdf5-tools python3-h5py python3-numpy clang-16 libclang-rt-16-dev clang-format-16 valgrind
    g++-aarch64-linux-gnu qemu-user)
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $status == installed ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null || {
    echo "Packages are missing, and there is no sudo. As root: apt-get install ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi
echo "Installing missing Debian packages${as_root:+ (with sudo)}: ${missing[*]}"
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -q --no-install-recommends "${missing[@]}"
