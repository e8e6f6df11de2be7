#!/bin/bash
# setup.sh [build] [images] [host]: installs what a part of the project needs and this machine
# lacks. Without arguments, all parts. Does nothing, quickly, when nothing is missing.
set -euo pipefail

# What each part calls, beside Swift, apt and what every Debian has.
packages_build=(
  git ca-certificates # swift build fetches its dependencies
  make g++ binutils # Swift's compiler links with them
  libxen-dev liburing-dev libpcap-dev # Sources/CXen, Sources/CURing, Sources/CPcap
)
packages_images=(
  cpio # pack-initramfs.sh
  binutils # readelf in check-executable.sh
  make gcc patch xz-utils flex bison bc libelf-dev # kernel/build.sh
)
packages_host=(
  qemu-system-x86 seabios # the machine
  g++ libxen-dev # domain-kill
  cpio # all else is unpacked from packages, not installed
)

fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# The oldest compiler that the manifest accepts.
swift_version=6.3

check_swift() {
  command -v swift >/dev/null ||
    fail "no swift in PATH: install Swift $swift_version or newer, https://www.swift.org/install"
  local version
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p' | head -1)
  [[ $(printf '%s\n' "$swift_version" "$version" | sort -V | head -1) == "$swift_version" ]] ||
    fail "Swift $version is too old: $swift_version or newer is needed"
}

# Runs a command as root.
as_root() {
  if [[ $(id -u) == 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "not root, and no sudo; as root run: $*"
  fi
}

missing_packages() {
  local package
  for package; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      echo "$package"
  done | sort -u
}

parts=("$@")
if [[ ${#parts[@]} == 0 ]]; then parts=(build images host); fi
wanted=()
for part in "${parts[@]}"; do
  case $part in
    build) wanted+=("${packages_build[@]}") ;;
    images) wanted+=("${packages_images[@]}") ;;
    host) wanted+=("${packages_host[@]}") ;;
    *) fail "unknown part '$part'; there are build, images and host" ;;
  esac
done

check_swift
command -v apt-get >/dev/null || fail "no apt-get: this needs Debian 12; elsewhere install the
  equivalents of: ${wanted[*]}"

mapfile -t missing < <(missing_packages "${wanted[@]}")
if [[ ${#missing[@]} -gt 0 ]]; then
  echo "setup: installs ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends \
    -o Dpkg::Use-Pty=0 "${missing[@]}"
elif [[ " ${parts[*]} " == *" images "* || " ${parts[*]} " == *" host "* ]] &&
  ! apt-cache show linux-image-amd64 >/dev/null 2>&1; then
  # The kernels come from packages that are unpacked, not installed.
  echo "setup: fetches apt's lists of packages"
  as_root apt-get update -qq
fi
