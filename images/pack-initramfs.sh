#!/bin/bash
# Packs a directory into an initramfs that depends on nothing but the files' contents: fixed times,
# owner root, names in order, inode numbers counted anew. Not compressed: xl would decompress it
# before it lets the domain start, while guests wait.
set -euo pipefail
export LC_ALL=C
tree=${1:?usage: pack-initramfs.sh DIRECTORY FILE}
file=${2:?}

find "$tree" -type d -exec chmod 0755 {} +
find "$tree" -exec touch --no-dereference --date=@0 {} +
(cd "$tree" && find . -mindepth 1 -print0 | sort -z |
  cpio --null --create --format=newc --reproducible --owner=+0:+0 --quiet) > "$file.new"
mv "$file.new" "$file"
