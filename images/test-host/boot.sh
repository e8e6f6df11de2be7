#!/bin/bash
# boot.sh DIRECTORY [QEMU OPTION...]: boots the host, with fresh disks in DIRECTORY and the serial
# console on standard output. Ends when the host is off.
#
# DIRECTORY/files, if there, is a tree that lands in Dom0's root. TEST_HOST_DOM0 holds further words
# for Dom0's kernel command line.
source "$(dirname "$0")/common.sh"

directory=$1
shift
"$here/disks.sh" fresh "$directory"

# The kernel unpacks archives that follow each other one after the other.
initramfs=$out/dom0.cpio
if [ -d "$directory/files" ]; then
  initramfs=$directory/dom0.cpio
  cp "$out/dom0.cpio" "$initramfs"
  (cd "$directory/files" && find . | cpio --create --dereference --format=newc --owner=0:0 --quiet) \
    >>"$initramfs"
fi

# Why these processor flags and this IOMMU: README.md. `loglevel=5` keeps Dom0's console readable;
# dmesg in Dom0 has the rest.
dom0="console=hvc0 loglevel=5 rodata=off mitigations=off ${TEST_HOST_DOM0-}"
for device in 00:03.0 00:04.0 00:09.0 00:0a.0 00:0b.0 00:0c.0; do
  dom0+=" test-host.pci=$device"
done
xen="dom0_mem=1536M,max:1536M dom0_max_vcpus=1 console=com1 com1=115200,8n1 loglvl=warning"
xen+=" sched=credit iommu=1 spec-ctrl=no"
virtio=disable-legacy=on,iommu_platform=on
disk() { # NAME PCI-SLOT
  echo "-drive if=none,id=$1,file=$directory/$1.img,format=raw,discard=unmap,detect-zeroes=off"
  echo "-device virtio-blk-pci,drive=$1,id=$1-device,serial=$1,addr=$2,$virtio"
}
nvme() { # NAME PCI-SLOT
  echo "-drive if=none,id=$1,file=$directory/$1.img,format=raw,discard=unmap,detect-zeroes=off"
  echo "-device nvme,drive=$1,id=$1-device,serial=$1,addr=$2"
}
# QEMU drops an announcement for which the driver has no buffer left, and the port then stays shut
# for good: three a port have to fit into a queue of 32. So each device has few ports.
ports() { # NUMBER PCI-SLOT
  echo "-device virtio-serial-pci,id=ports$1,max_ports=10,addr=$2,$virtio"
}
# QEMU's own network: a DHCP server, a router that announces itself, and whatever listens on the
# loopback addresses of this machine as 10.0.N.2 and fd00:0:0:N::2. The two do not know each other.
network() { # NAME N PCI-SLOT
  echo "-netdev user,id=$1,ipv4=on,net=10.0.$2.0/24,ipv6=on,ipv6-prefix=fd00:0:0:$2::"
  echo "-device e1000e,netdev=$1,id=$1-device,addr=$3,mac=52:54:00:00:00:0$2"
}
# disk-a, disk-b, disk-n and net-a go to our driver domains, disk-d and net-b to those with other
# backends. disk-c and the ports of the agent stay with Dom0.
exec qemu-system-x86_64 -M q35,kernel-irqchip=split -accel tcg,thread=multi,tb-size=512 \
  -cpu max,smap=off,smep=off,rdtscp=off,erms=off,xsave=off,avx=off,avx2=off,f16c=off,fma=off -smp 2 -m 4096 -device amd-iommu,intremap=on \
  -nodefaults -display none -serial stdio -monitor none -no-reboot -nic none \
  -kernel "$out/xen.bin" -append "$xen" -initrd "$out/vmlinux $dom0,$initramfs" \
  $(disk disk-a 3) $(disk disk-b 4) $(disk disk-c 5) $(disk disk-d 0xc) $(nvme disk-n 0xb) \
  $(network net-a 2 9) $(network net-b 3 0xa) \
  $(ports 0 6) $(ports 1 7) $(ports 2 8) "$@"
