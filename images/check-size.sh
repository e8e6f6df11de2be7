#!/bin/bash
# Fails when an image is larger than it may be: kernel and initramfs, each compressed with gzip.
# images/check-size.sh DIRECTORY
set -euo pipefail
out=${1:?usage: check-size.sh DIRECTORY}

# At a restart of the domain Dom0 reads all of it and the kernel unpacks it, while guests wait.
limit=$((10 * 1000 * 1000))

kernel=$(gzip -9 --no-name < "$out/vmlinux" | wc -c)
initrd=$(stat -c %s "$out/initrd.gz")
total=$((kernel + initrd))
echo "$(basename "$out"): $total bytes compressed: kernel $kernel, initramfs $initrd" >&2
if ((total > limit)); then
  echo "check-size: $out: $((total - limit)) bytes over the limit of $limit" >&2
  exit 1
fi
