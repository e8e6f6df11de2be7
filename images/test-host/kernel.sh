#!/bin/bash
# The hypervisor and Debian's kernel, both as plain ELF files. QEMU's multiboot loader wants the
# hypervisor so, and neither Xen nor Dom0's domain builder has to decompress a kernel under
# emulation, which takes them five seconds each time.
source "$(dirname "$0")/common.sh"

step "hypervisor and kernel"
gunzip -c "$root"/boot/xen-4.17-amd64.gz >"$out/xen.bin"

bzimage=$root/boot/vmlinuz-$(kernel_version)
cp "$bzimage" "$out/vmlinuz"
# The payload is an XZ stream; the loader's own code holds the magic bytes too.
for offset in $(grep -abo $'\xfd7zXZ' "$bzimage" | cut -d: -f1); do
  # xz stops at the end of its stream, and tail then fails to write the rest.
  tail -c "+$((offset + 1))" "$bzimage" |
    unpacked "$root/usr/bin/xz" -dc --single-stream >"$out/vmlinux" 2>/dev/null || true
  if [ "$(head -c 4 "$out/vmlinux")" = $'\x7fELF' ]; then exit 0; fi
done
fail "no ELF kernel inside $bzimage"
