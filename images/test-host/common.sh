# Shared by the scripts of this directory; sourced, never run.
set -euo pipefail
export LC_ALL=C TZ=UTC

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
images=$(dirname "$here")
cache=$images/out/cache
out=$images/out/test-host
debs=$cache/debs
root=$cache/test-host-root # what the packages unpack to

step() { printf 'test-host: %s\n' "$*"; }
fail() { printf 'test-host: %s\n' "$*" >&2; exit 1; }

# The version of Debian's kernel in the unpacked tree, as in /lib/modules.
kernel_version() { basename "$root"/lib/modules/*; }

# depends OPTION... PACKAGE...: what apt-cache says that packages need.
depends() {
  apt-cache depends --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
    --no-enhances "$@"
}

# libraries_of PACKAGE...: the packages of the libraries that packages need.
libraries_of() {
  depends --recurse "$@" | grep -E '^lib' | grep -vE '^lib(perl|python)' | sort -u
}

# unpack_packages TREE PACKAGE...: downloads Debian packages into the cache, and unpacks them into
# TREE, where nothing else is then.
unpack_packages() {
  local tree=$1 package file missing=() wanted=()
  shift
  mkdir -p "$debs"
  while read -r package file; do
    wanted+=("$file")
    # A file is complete once apt has moved it out of partial names; dpkg checks it when unpacking.
    [ -s "$debs/$file" ] || missing+=("$package")
  done < <(apt-cache show --no-all-versions "$@" |
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
    (cd "$debs" && apt-get download -qq -o APT::Sandbox::User=root "${missing[@]}")
  fi
  step "unpack ${#wanted[@]} packages"
  rm -rf "$tree"
  mkdir -p "$tree"
  for file in "${wanted[@]}"; do dpkg -x "$debs/$file" "$tree"; done
}

# unpacked PROGRAM [ARGUMENT...]: runs a program of the unpacked tree with that tree's libraries.
unpacked() {
  local program=$1
  shift
  "$root/lib64/ld-linux-x86-64.so.2" --library-path "$(library_path)" "$program" "$@"
}

# fio's library for Ceph names a directory of this machine for its own, where it may be or not.
library_path() {
  local libraries=$root/usr/lib/x86_64-linux-gnu
  printf %s "$root/lib/x86_64-linux-gnu:$libraries:$libraries/ceph"
}

# install_file SOURCE TARGET: copies one file, following links, and makes its directory.
install_file() {
  mkdir -p "$(dirname "$2")"
  cp -L --no-preserve=mode,timestamps "$1" "$2"
  chmod 755 "$2"
}

# install_program TREE SOURCE TARGET: copies a program to TREE/TARGET, and beside it every shared
# library that the dynamic linker of the unpacked tree resolves for it.
install_program() {
  local tree=$1 source=$2 target=$3
  install_file "$source" "$tree/$target"
  install_libraries "$source" "$tree/lib/x86_64-linux-gnu"
  install_file "$root/lib64/ld-linux-x86-64.so.2" "$tree/lib64/ld-linux-x86-64.so.2"
}

# install_libraries PROGRAM DIRECTORY: the shared libraries of PROGRAM, without the linker itself.
install_libraries() {
  local list library
  list=$("$root/lib64/ld-linux-x86-64.so.2" --library-path "$(library_path)" --list "$1")
  if grep -q 'not found' <<<"$list"; then fail "missing libraries of $1: $list"; fi
  awk '$3 ~ "^/" { print $3 }' <<<"$list" | while read -r library; do
    [ -e "$2/${library##*/}" ] || install_file "$library" "$2/${library##*/}"
  done
}

# install_modules TREE LIST MODULE...: copies the modules and what they depend on to
# TREE/lib/modules, flat, and appends their names in loading order to TREE/lib/modules/LIST. What an
# earlier list holds is not repeated.
install_modules() {
  local tree=$1 list=$2 version name file line
  shift 2
  version=$(kernel_version)
  mkdir -p "$tree/lib/modules"
  for name; do
    line=$(grep -E "(^|/)${name}\.ko:" "$root/lib/modules/$version/modules.dep") ||
      fail "Debian's kernel has no module $name"
    # modules.dep lists the nearest dependency first; loading wants the farthest first.
    for file in $(tr ' ' '\n' <<<"${line/:/}" | grep . | tac); do
      [ -e "$tree/lib/modules/${file##*/}" ] && continue
      install_file "$root/lib/modules/$version/$file" "$tree/lib/modules/${file##*/}"
      echo "${file##*/}" >>"$tree/lib/modules/$list"
    done
  done
}

# install_xenstore TREE: the xenstore-* commands.
install_xenstore() {
  local tree=$1 link
  install_program "$tree" "$root/usr/bin/xenstore" usr/bin/xenstore
  for link in chmod control exists list ls read rm watch write; do
    ln -s xenstore "$tree/usr/bin/xenstore-$link"
  done
}

# install_busybox TREE: the static busybox with a link for each applet.
install_busybox() {
  local tree=$1 applet
  install_file "$root/bin/busybox" "$tree/bin/busybox"
  for applet in $("$root/bin/busybox" --list); do
    [ "$applet" = busybox ] || ln -sf busybox "$tree/bin/$applet"
  done
}

# pack TREE FILE: writes TREE as a reproducible, uncompressed cpio archive: unpacking it under
# emulation costs a memory copy, where inflating it costs seconds.
pack() {
  find "$1" -exec touch -h -d @0 {} +
  (cd "$1" && find . -print0 | sort -z |
    cpio --null --create --format=newc --reproducible --owner=0:0 --quiet) >"$2.new"
  mv "$2.new" "$2"
}
