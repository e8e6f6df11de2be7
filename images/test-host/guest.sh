#!/bin/bash
# The guests' initramfs: busybox, e2fsprogs, the frontends of Debian's kernel and the agent. With
# the modules for a passed-through virtio disk it also serves as a stand-in for a driver domain.
source "$(dirname "$0")/common.sh"

step "guest initramfs"
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

mkdir -p "$tree"/{dev,proc,sys,tmp,run,mnt,sbin,etc}
install_busybox "$tree"
rm "$tree"/bin/{mke2fs,poweroff,reboot}
for program in mke2fs e2fsck; do install_program "$tree" "$root/sbin/$program" "sbin/$program"; done
ln -s mke2fs "$tree/sbin/mkfs.ext4"
ln -s e2fsck "$tree/sbin/fsck.ext4"
install_file "$root/etc/mke2fs.conf" "$tree/etc/mke2fs.conf"

install_modules "$tree" xen-blkfront xen-netfront ext4 crc32c_generic xen-pcifront virtio_pci \
  virtio_blk

install_file "$here/guest/init" "$tree/init"
install_file "$here/guest/halt" "$tree/sbin/poweroff"
install_file "$here/guest/halt" "$tree/sbin/reboot"
install_file "$here/agent/agent" "$tree/sbin/agent"
pack "$tree" "$out/guest.cpio"
