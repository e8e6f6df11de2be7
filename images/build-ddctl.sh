#!/bin/bash
# Builds ddctl, the program for Dom0, into images/out/control. It needs libxenlight of the same Xen
# version in Dom0, which every Dom0 with xl has, and libc; all else is in it.
#
#   OUT=DIR      where it goes (images/out/control)
#   SCRATCH=DIR  where Swift builds (.build/image)
set -euo pipefail
export LC_ALL=C TZ=UTC

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
out=${OUT:-$here/out/control}
scratch=${SCRATCH:-$root/.build/image}
program=ddctl

source "$here/compile.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

compile_product "$program"
object_files "$program" > "$work/objects"
# The linker takes a library from the first directory that has it, and here there are archives only:
# what Dom0 need not have becomes part of the program, as far as it is used.
mkdir "$work/archives"
for library in libstdc++ liburing libxengnttab libxenevtchn; do
  ln -s "$(readlink -f "$(gcc -print-file-name=$library.a)")" "$work/archives/$library.a"
done
# SwiftPM names the main function after its module.
link_objects "$out/$program" "$work/objects" -static-stdlib \
  -Xlinker --defsym=main=DriverDomainControl_main -Xclang-linker -static-libgcc \
  "-L$work/archives" -lxenlight -lxentoollog -luring -lxengnttab -lxenevtchn

# A library that Dom0 may lack would be noticed only there.
if readelf -dW "$out/$program" | grep NEEDED |
  grep -vE 'lib(xenlight|xentoollog|xentoolcore|c|m)\.so|ld-linux'; then
  echo "build-ddctl.sh: $program needs a library that Dom0 may not have" >&2
  exit 1
fi
install -m 0644 "$here"/control/* "$out/"
ls -l "$out/$program" | awk '{ print $5, $9 }' >&2
