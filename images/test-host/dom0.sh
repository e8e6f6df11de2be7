#!/bin/bash
# Dom0's initramfs: the Xen tools, busybox, bash and the agent that the tests talk to.
source "$(dirname "$0")/common.sh"

step "Dom0 initramfs"
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

mkdir -p "$tree"/{dev,proc,sys,tmp,run,sbin,root,images,etc/xen,var/lib/xen,var/log/xen/console,var/lock}
ln -s ../run "$tree/var/run"
install_busybox "$tree"
install_program "$tree" "$root/bin/bash" bin/bash
for program in xenstored xenconsoled xenconsole xen-init-dom0 libxl-save-helper xl xen-diag \
  lsevtchn; do
  # libxl looks for its helpers where Debian's packages have them.
  install_program "$tree" "$root/usr/lib/xen-4.17/bin/$program" "usr/lib/xen-4.17/bin/$program"
  ln -s "/usr/lib/xen-4.17/bin/$program" "$tree/sbin/$program"
done
install_xenstore "$tree"
gcc -O2 -o "$tree/domain-kill" "$here/dom0/domain-kill.c" -lxenctrl
install_program "$tree" "$tree/domain-kill" sbin/domain-kill
rm "$tree/domain-kill"
# pthread_cancel loads this one by name.
install_file "$root/lib/x86_64-linux-gnu/libgcc_s.so.1" "$tree/lib/x86_64-linux-gnu/libgcc_s.so.1"

install_modules "$tree" order xen-evtchn xen-gntdev xen-gntalloc xenfs xen-privcmd xen-pciback \
  virtio_pci virtio_console virtio_blk xen-blkback xen-netback loop bridge

install_file "$here/dom0/init" "$tree/init"
# xl says so each time when it has no configuration.
echo "# The defaults." >"$tree/etc/xen/xl.conf"
install_file "$here/dom0/block-phy" "$tree/etc/xen/scripts/block-phy"
for script in console-relay virtio-port xenstore-await domain-await; do
  install_file "$here/dom0/$script" "$tree/sbin/$script"
done
install_file "$here/agent/agent" "$tree/sbin/agent"
install_file "$out/vmlinux" "$tree/images/guest/vmlinux"
install_file "$out/guest.cpio" "$tree/images/guest/initrd"
pack "$tree" "$out/dom0.cpio"
