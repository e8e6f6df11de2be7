#!/bin/bash
# Builds an image: images/build.sh disk
#
# Writes images/out/disk/: vmlinux, initrd and the xl configuration. The same sources, the same
# compilers and the same package of Linux's sources give the same bytes, wherever the tree lies.
#
#   OUT=DIR      where the image goes (images/out/NAME)
#   SCRATCH=DIR  where Swift builds (.build/image)
#   CACHE=DIR    where packages and kernels are kept (images/out/cache)
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
tree=$work/tree
mkdir -p "$tree" "$out"

# The kernel beside the programs: Swift's compiler leaves a processor idle half of the time. That is
# what it gets, for the programs have to be built one step after the other. A group of its own, so
# that all of it ends when this script does.
set -m
nice "$here/kernel/build.sh" "$cache" > "$work/kernels" < /dev/null &
kernel_build=$!
set +m
trap 'kill -- "-$kernel_build" 2> /dev/null || true; rm -rf "$work"' EXIT

# Executables: static, so that nothing else has to be in the image.
source "$here/compile.sh"

# link_program PRODUCT...: links the products into one program (program.c says why).
link_program() {
  object_files "$@" > "$work/objects"
  cc -O2 -c "$here/program.c" -o "$work/program.o"
  link_objects "$work/program" "$work/objects" "$work/program.o" -static-executable -luring -lpcap
  "$here/check-executable.sh" "$work/program"
}

products=()
while read -r kind path value; do
  if [[ $kind == exe ]]; then products+=("$value"); fi
done < "$recipe/files"
for product in "${products[@]}"; do compile_product "$product"; done
link_program "${products[@]}"

program= # the first of its names in the image
while read -r kind path value; do
  case $kind in
    '' | '#'*) ;;
    dir) mkdir -p "$tree$path" ;;
    exe)
      if [[ -z $program ]]; then
        program=$tree$path
        install -D -m 0755 "$work/program" "$program"
      else
        mkdir -p "$tree$(dirname "$path")"
        ln "$program" "$tree$path"
      fi
      ;;
    link)
      mkdir -p "$tree$(dirname "$path")"
      ln -s "$value" "$tree$path"
      ;;
    *) echo "build.sh: $recipe/files: unknown entry '$kind'" >&2; exit 2 ;;
  esac
done < "$recipe/files"

wait "$kernel_build"
kernels=$(< "$work/kernels")
"$here/pack-initramfs.sh" "$tree" "$out/initrd"
rm -f "$out/vmlinuz" "$out/initrd.gz" # of earlier versions
install -m 0644 "$kernels/$name/vmlinux" "$out/vmlinux"
install -m 0644 "$recipe"/*.cfg "$out/"
"$here/check-size.sh" "$out"
