#!/bin/bash
# Downloads the Debian packages of the test host into the cache and unpacks them there. Nothing is
# installed on this machine.
source "$(dirname "$0")/common.sh"

# Programs that go into Dom0, the guests or the disks. Their libraries follow as dependencies.
programs=(xen-hypervisor-4.17-amd64 xen-utils-4.17 xenstore-utils busybox-static bash
  e2fsprogs ethtool fio fdisk iperf3 tcpdump xz-utils)

if ! apt-cache show linux-image-amd64 >/dev/null 2>&1; then
  step "apt-get update"
  apt-get update -qq
fi

kernel=$(depends linux-image-amd64 | awk '/Depends: linux-image-/ { print $2; exit }')
[ -n "$kernel" ] || fail "linux-image-amd64 depends on no kernel"
libraries=$(libraries_of "${programs[@]}")
unpack_packages "$root" "$kernel" "${programs[@]}" $libraries
"$root/bin/busybox" depmod -b "$root" "$(kernel_version)"
