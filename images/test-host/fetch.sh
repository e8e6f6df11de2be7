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

depends() {
  apt-cache depends --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
    --no-enhances "$@"
}

kernel=$(depends linux-image-amd64 | awk '/Depends: linux-image-/ { print $2; exit }')
[ -n "$kernel" ] || fail "linux-image-amd64 depends on no kernel"
libraries=$(depends --recurse "${programs[@]}" | grep -E '^lib' | grep -vE '^lib(perl|python)' |
  sort -u)

mkdir -p "$debs"
cd "$debs"
missing=()
wanted=()
while read -r package file; do
  wanted+=("$file")
  # A file is complete once apt has moved it out of partial names; dpkg checks it when unpacking.
  [ -s "$file" ] || missing+=("$package")
done < <(apt-cache show --no-all-versions "$kernel" "${programs[@]}" $libraries |
  awk '/^Package:/ { package = $2 } /^Version:/ { version = $2 } /^Architecture:/ { arch = $2 }
    /^$/ { print_it() } END { print_it() }
    function print_it() {
      if (package == "") return
      gsub(":", "%3a", version)
      print package, package "_" version "_" arch ".deb"
      package = ""
    }')
if [ ${#missing[@]} -gt 0 ]; then
  step "download ${#missing[@]} packages"
  apt-get download -qq -o APT::Sandbox::User=root "${missing[@]}"
fi

step "unpack ${#wanted[@]} packages"
rm -rf "$root"
mkdir -p "$root"
for file in "${wanted[@]}"; do dpkg -x "$file" "$root"; done
"$root/bin/busybox" depmod -b "$root" "$(kernel_version)"
