#!/bin/bash
# Builds the kernels of the driver domains and prints the directory that holds them, with
# disk/vmlinux and network/vmlinux: images/kernel/build.sh CACHE-DIRECTORY
#
# With `peer` behind it, builds the kernel of the domains that ours are measured against, as
# peer/vmlinux: both others in one, with Linux's own backends.
#
# Builds nothing when the cache has the kernels of the same inputs: their names, Debian's package of
# Linux's sources, the files beside this script, and the compiler.
#
#   KERNELS=DIR  where they are built and kept (the cache, where the package is)
set -euo pipefail
export LC_ALL=C TZ=UTC
umask 022

here=$(cd "$(dirname "$0")" && pwd)
cache=${1:?usage: images/kernel/build.sh CACHE-DIRECTORY [peer]}
names=(disk network)
others=(! -name README.md ! -name peer.config) # files that do not matter to these
if [[ ${2-} == peer ]]; then names=(peer) others=(! -name README.md); fi
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
kernels=${KERNELS:-$cache}
mkdir -p "$kernels"
kernels=$(cd "$kernels" && pwd)

# What the compiler would otherwise write into the kernel: when, where and by whom.
export KBUILD_BUILD_TIMESTAMP=1970-01-01 KBUILD_BUILD_VERSION=1
export KBUILD_BUILD_USER=root KBUILD_BUILD_HOST=localhost

fail() { echo "kernel: $*" >&2; exit 1; }

package=$(apt-cache depends linux-source | awk '/Depends: linux-source-/ { print $2; exit }')
[[ -n $package ]] || fail "apt knows no linux-source"
record=$(apt-cache show --no-all-versions "$package")
field() { sed -n "s,^$1: \(.*/\)\?,,p" <<< "$record" | head -1; }
file=$(field Filename)

inputs=$(
  field SHA256
  gcc --version | head -1
  ld --version | head -1
  echo "${names[@]}"
  cd "$here"
  find . -type f "${others[@]}" -print0 | sort -z | xargs -0 sha256sum
)
hash=$(sha256sum <<< "$inputs" | cut -c1-16)
result=$kernels/kernel-$hash

# Half of the sources, which no configuration here asks for: less to write. Kconfig reads its own
# files everywhere.
unneeded=(
  'arch/'{'[!x]','x[!8]'}'*'.{'[chS]',dts,dtsi} 'Documentation/*.rst' 'tools/testing'
  {sound,drivers/{gpu,media,staging,infiniband,iio,hwmon,usb}}'/*.[ch]'
)

# Two builds in one tree wait for each other.
exec 9> "$cache/.lock"
flock 9
if [[ -d $result ]]; then
  echo "$result"
  exit 0
fi

if [[ ! -f $cache/$file ]]; then
  echo "kernel: fetches $file" >&2
  download=$(mktemp -d "$cache/.download.XXXXXX")
  (cd "$download" && apt-get -qq -o APT::Sandbox::User=root download "$package") >&2
  # apt names an epoch or a tilde with escapes; the name in the index is the plain one.
  mv "$download"/*.deb "$cache/$file"
  rmdir "$download"
fi

rm -rf "$kernels"/.kernel.* # of builds that were killed
work=$(mktemp -d "$kernels/.kernel.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/source" "$work/result"
dpkg-deb --fsys-tarfile "$cache/$file" | tar -xO "./usr/src/$package.tar.xz" |
  tar -xJ -C "$work/source" --strip-components=1 "${unneeded[@]/#/--exclude=$package/}"
cd "$work/source"
for patch in "$here"/patches/*.patch; do
  patch --quiet --strip=1 < "$patch" >&2 || fail "$(basename "$patch") does not apply to $file"
done

# configure NAME: writes .config, with nothing in it that the fragments do not ask for. Of two lines
# about the same option the later one holds.
configure() {
  local parts=("$1")
  if [[ $1 == peer ]]; then parts=(disk network peer); fi
  (cd "$here" && cat common.config "${parts[@]/%/.config}") | tac |
    awk '/^(# )?CONFIG_[A-Za-z0-9_]+(=| is not set$)/ {
        match($0, /CONFIG_[A-Za-z0-9_]+/)
        if (!seen[substr($0, RSTART, RLENGTH)]++) print
      }' |
    tac > "$work/fragment"
  make -s KCONFIG_ALLCONFIG="$work/fragment" allnoconfig >&2
  # Kconfig leaves out, without a word, what it does not know or what lacks a dependency.
  local line missing=()
  while read -r line; do
    grep -qxF "$line" .config || missing+=("$line")
  done < <(grep -E '^(CONFIG_|# CONFIG_.* is not set$)' "$work/fragment")
  [[ ${#missing[@]} == 0 ]] ||
    fail "$1: not in the configuration:$(printf '\n  %s' "${missing[@]}")"
}

# All in one tree: what has the same configuration in two is compiled once.
for name in "${names[@]}"; do
  echo "kernel: builds $name" >&2
  configure "$name"
  make -s -j"$(nproc)" vmlinux >&2
  mkdir "$work/result/$name"
  # Xen's domain builder reads the notes of the ELF file, which stay; nobody reads the symbols.
  objcopy --strip-all vmlinux "$work/result/$name/vmlinux"
  cp .config "$work/result/$name/config"
done
mv "$work/result" "$result"
echo "$result"
