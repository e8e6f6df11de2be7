#!/bin/bash
# Builds the image of the driver domains with Linux's own backends into images/out/peer: their
# kernel, and the guests' initramfs with QEMU's block backend behind it. Not a part of build.sh,
# which comes before: only `make bench` needs it.
source "$(dirname "$0")/common.sh"

kernels=$("$images/kernel/build.sh" "$cache" peer)
mkdir -p "$images/out/peer"
cp "$kernels/peer/vmlinux" "$images/out/peer/vmlinux"

qemu=$cache/qemu.cpio
stamp=$cache/qemu.sha256
inputs=$(cat "$here/peer.sh" "$here/common.sh" | sha256sum)
if [ "$(cat "$stamp" 2>/dev/null)" != "$inputs" ]; then
  # Debian's build of QEMU for Xen, with libraries that nothing else here uses.
  package=qemu-system-xen
  root=$cache/qemu-root
  libraries=$(libraries_of "$package")
  unpack_packages "$root" "$package" $libraries
  tree=$(mktemp -d)
  trap 'rm -rf "$tree"' EXIT
  program=usr/libexec/xen-qemu-system-i386
  install_program "$tree" "$root/$program" "$program"
  pack "$tree" "$qemu"
  echo "$inputs" >"$stamp"
fi
# The kernel unpacks archives that follow each other one after the other.
cat "$out/guest.cpio" "$qemu" >"$images/out/peer/initrd"
