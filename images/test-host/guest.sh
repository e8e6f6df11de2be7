#!/bin/bash
# The guests' initramfs: busybox, e2fsprogs, iperf3, ethtool, the frontends of Debian's kernel and
# the agent. With the modules for passed-through devices, the xenstore-* commands and Linux's own
# xen-netback it also serves as a stand-in for a driver domain, and, with what peer.sh adds, as the
# peers to measure against.
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

install_program "$tree" "$root/usr/bin/iperf3" sbin/iperf3
install_program "$tree" "$root/sbin/ethtool" sbin/ethtool
install_xenstore "$tree"

install_modules "$tree" order xen-blkfront xen-netfront ext4 crc32c_generic xen-pcifront virtio_pci \
  virtio_blk
# Loaded by network-backend alone: xen-netback claims every device that it sees.
install_modules "$tree" network-backend bridge e1000e xen-netback

install_file "$here/guest/init" "$tree/init"
install_file "$here/guest/dhcp" "$tree/sbin/dhcp"
install_file "$here/guest/backend-leaf" "$tree/sbin/backend-leaf"
install_file "$here/guest/block-backend" "$tree/sbin/block-backend"
install_file "$here/guest/network-backend" "$tree/sbin/network-backend"
install_file "$here/guest/sink-init" "$tree/sbin/sink-init"
install_file "$here/guest/halt" "$tree/sbin/poweroff"
install_file "$here/guest/halt" "$tree/sbin/reboot"
install_file "$here/agent/agent" "$tree/sbin/agent"
pack "$tree" "$out/guest.cpio"
