#!/bin/bash
# Fails when an image is larger than it may be: kernel and initramfs, each compressed with gzip.
# images/check-size.sh DIRECTORY
set -euo pipefail
out=${1:?usage: check-size.sh DIRECTORY}

# What is downloaded and kept. Dom0 has both uncompressed, and reads all of it at each restart.
limit=$((10 * 1000 * 1000))

kernel=$(gzip -9 --no-name < "$out/vmlinux" | wc -c)
initrd=$(gzip -9 --no-name < "$out/initrd" | wc -c)
total=$((kernel + initrd))
echo "$(basename "$out"): $total bytes compressed: kernel $kernel, initramfs $initrd" >&2
if ((total > limit)); then
  echo "check-size: $out: $((total - limit)) bytes over the limit of $limit" >&2
  exit 1
fi
