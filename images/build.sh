#!/bin/bash
# Builds an image: images/build.sh disk
#
# Writes images/out/disk/: vmlinuz, initrd.gz and the xl configuration. The same sources, the
# same compiler and the same kernel package give the same bytes, wherever the tree lies.
#
#   OUT=DIR      where the image goes (images/out/NAME)
#   SCRATCH=DIR  where Swift builds (.build/image)
#   CACHE=DIR    where packages are kept (images/out/cache)
set -euo pipefail
export LC_ALL=C TZ=UTC
umask 022

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
name=${1:?usage: images/build.sh NAME, where images/NAME is a directory}
recipe=$here/$name
[[ -f $recipe/files ]] || { echo "build.sh: no recipe $recipe/files" >&2; exit 2; }
out=${OUT:-$here/out/$name}
scratch=${SCRATCH:-$root/.build/image}
cache=${CACHE:-$here/out/cache}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree
mkdir -p "$tree" "$out"

# Executables: static, so that nothing else has to be in the image. The prefix maps keep the
# place of the sources out of what the compilers write.
build_product() {
  swift build --package-path "$root" -c release --product "$1" --scratch-path "$scratch" \
    -Xswiftc -static-executable -Xswiftc -use-ld=lld \
    -Xlinker --gc-sections -Xlinker -s -Xlinker --build-id=none \
    -Xswiftc -file-prefix-map -Xswiftc "$root=." \
    -Xcc "-ffile-prefix-map=$root=." >&2
  cp "$scratch/release/$1" "$work/$1"
  erase_module_hashes "$work/$1"
  "$here/check-executable.sh" "$work/$1"
}

# The compiler leaves a hash of each object file, path of the sources and all, in a section that
# only incremental builds read.
erase_module_hashes() {
  objcopy -O binary --only-section=.swift_modhash "$1" "$work/hashes"
  truncate -s "$(stat -c %s "$work/hashes")" "$work/zeros"
  objcopy --update-section ".swift_modhash=$work/zeros" "$1"
  rm -f "$work/hashes" "$work/zeros"
}

while read -r -u 3 kind path value; do
  case $kind in
    '' | '#'*) ;;
    dir) mkdir -p "$tree$path" ;;
    exe)
      build_product "$value"
      install -D -m 0755 "$work/$value" "$tree$path"
      ;;
    link)
      mkdir -p "$tree$(dirname "$path")"
      ln -s "$value" "$tree$path"
      ;;
    *) echo "build.sh: $recipe/files: unknown entry '$kind'" >&2; exit 2 ;;
  esac
done 3< "$recipe/files"

kernel=$("$here/fetch-kernel.sh" "$cache")
"$here/copy-modules.sh" "$kernel" "$recipe" "$tree/modules"
"$here/pack-initramfs.sh" "$tree" "$out/initrd.gz"
install -m 0644 "$kernel"/boot/vmlinuz-* "$out/vmlinuz"
install -m 0644 "$recipe"/*.cfg "$out/"
(cd "$out" && ls -l -- * | awk '{ print $5, $9 }') >&2
