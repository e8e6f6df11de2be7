#!/bin/bash
# Builds ddctl, the program for Dom0, into images/out/control. It needs libxenlight of the same Xen
# version in Dom0, which every Dom0 with xl has, and libc; all else is in it.
#
#   OUT=DIR      where it goes (images/out/control)
#   SCRATCH=DIR  where Swift builds (.build/control)
set -euo pipefail
export LC_ALL=C TZ=UTC

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
out=${OUT:-$here/out/control}
scratch=${SCRATCH:-$root/.build/control}
program=ddctl

# The linker takes a library from the first directory that has it, and here there are archives only:
# what Dom0 need not have becomes part of the program, as far as it is used.
archives=$scratch/archives
mkdir -p "$archives" "$out"
for library in libstdc++ liburing libxengnttab libxenevtchn; do
  ln -sf "$(readlink -f "$(gcc -print-file-name=$library.a)")" "$archives/$library.a"
done

swift build --package-path "$root" -c release --product "$program" --scratch-path "$scratch" \
  --static-swift-stdlib -Xswiftc -use-ld=lld -Xswiftc "-L$archives" \
  -Xswiftc -Xclang-linker -Xswiftc -static-libgcc -Xlinker --gc-sections -Xlinker -s >&2
cp "$scratch/release/$program" "$out/$program"

# A library that Dom0 may lack would be noticed only there.
if readelf -dW "$out/$program" | grep NEEDED |
  grep -vE 'lib(xenlight|xentoollog|xentoolcore|c|m)\.so|ld-linux'; then
  echo "build-ddctl.sh: $program needs a library that Dom0 may not have" >&2
  exit 1
fi
install -m 0644 "$here"/control/* "$out/"
ls -l "$out/$program" | awk '{ print $5, $9 }' >&2
