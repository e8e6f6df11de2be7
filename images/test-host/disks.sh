#!/bin/bash
# disks.sh: builds the template of disk A.
# disks.sh fresh DIRECTORY: writes the disks of one boot into DIRECTORY, as sparse files.
#
# disk-a.img: passed through. GPT: guest1, guest2, volumes (ext4 with image files), tools (ext4
#             with fio, tcpdump and their libraries), scratch.
# disk-b.img: passed through, no partitions, for online resize.
# disk-n.img: passed through, no partitions, on an NVMe controller.
# disk-c.img: stays with Dom0, for Linux's own xen-blkback as a baseline. A copy of disk A.
# disk-d.img: passed through to a driver domain with other backends. A copy of disk A.
source "$(dirname "$0")/common.sh"

mebibyte=$((1024 * 1024))

# The partitions of disk A: name and size in MiB, from the first MiB on.
partitions=(guest1:256 guest2:256 volumes:256 tools:128 scratch:512)

fresh() {
  mkdir -p "$1"
  cp --sparse=always "$out/disk-a.img" "$1/disk-a.img"
  cp --sparse=always "$out/disk-a.img" "$1/disk-c.img"
  cp --sparse=always "$out/disk-a.img" "$1/disk-d.img"
  rm -f "$1/disk-b.img" "$1/disk-n.img"
  truncate -s 128M "$1/disk-b.img"
  truncate -s 64M "$1/disk-n.img"
}

# A filesystem of SIZE MiB with the files of TREE, the same bytes every time.
filesystem() { # FILE SIZE LABEL TREE
  find "$4" -exec touch -h -d @0 {} +
  rm -f "$1"
  truncate -s "$2M" "$1"
  E2FSPROGS_FAKE_TIME=1 SOURCE_DATE_EPOCH=1 unpacked "$root/sbin/mke2fs" -q -t ext4 -b 4096 \
    -U 6f0e4c3a-0000-4000-8000-0000000000$(printf %02d "${#3}") \
    -E hash_seed=6f0e4c3a-0000-4000-8000-000000000000,root_owner=0:0 -L "$3" -d "$4" "$1"
}

volumes_tree() {
  mkdir -p "$1/images"
  truncate -s 128M "$1/images/volume1.img"
  # Not a multiple of any sector size.
  truncate -s $((4 * mebibyte + 100)) "$1/images/odd.img"
  : >"$1/images/empty.img"
}

tools_tree() {
  local name
  for name in fio tcpdump; do
    install_file "$root/usr/bin/$name" "$1/$name/bin/$name"
    install_libraries "$root/usr/bin/$name" "$1/$name/lib"
    install_file "$root/lib64/ld-linux-x86-64.so.2" "$1/$name/lib/ld-linux-x86-64.so.2"
    install_file "$here/guest/tool" "$1/$name/$name"
  done
}

build() {
  step "disks"
  local work start=1 entry name size table=''
  work=$(mktemp -d)
  trap "rm -rf '$work'" EXIT
  mkdir "$work/volumes.tree" "$work/tools.tree"
  volumes_tree "$work/volumes.tree"
  tools_tree "$work/tools.tree"

  for entry in "${partitions[@]}"; do
    name=${entry%:*} size=${entry#*:}
    table+="start=${start}MiB, size=${size}MiB, name=$name"$'\n'
    if [ -d "$work/$name.tree" ]; then
      filesystem "$work/$name.img" "$size" "$name" "$work/$name.tree"
      # dd cannot both keep holes and write at an offset of a sparse target, cp --sparse can not
      # seek: conv=sparse does both, as the target is all zero.
      dd if="$work/$name.img" of="$work/disk.img" bs=1M seek="$start" conv=sparse,notrunc status=none
    fi
    start=$((start + size))
  done
  truncate -s "$((start + 1))M" "$work/disk.img"
  {
    printf 'label: gpt\nlabel-id: 6F0E4C3A-0000-4000-8000-0000000000FF\n%s' "$table"
  } | unpacked "$root/sbin/sfdisk" --quiet --no-reread --no-tell-kernel --wipe-partitions never \
    "$work/disk.img" >"$work/sfdisk.log" 2>&1 || fail "sfdisk: $(cat "$work/sfdisk.log")"
  cp --sparse=always "$work/disk.img" "$out/disk-a.img"
}

case ${1-} in
fresh) fresh "$2" ;;
*) build ;;
esac
