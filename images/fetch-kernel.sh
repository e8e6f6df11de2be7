#!/bin/bash
# Unpacks Debian's kernel, without installing it, and prints the directory.
#
# The package is the one that linux-image-amd64 depends on now. It is kept in the cache under the
# name of its file, so that a newer kernel is fetched when there is one.
set -euo pipefail
cache=${1:?usage: fetch-kernel.sh CACHE-DIRECTORY}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)

package=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image-/ { print $2; exit }')
[[ -n $package ]] || { echo "fetch-kernel: apt knows no linux-image-amd64" >&2; exit 1; }
file=$(apt-cache show --no-all-versions "$package" | sed -n 's,^Filename: .*/,,p')

exec 9> "$cache/.lock"
flock 9
if [[ ! -f $cache/$file ]]; then
  echo "fetching $file" >&2
  work=$(mktemp -d "$cache/.download.XXXXXX")
  (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$package") >&2
  # apt names an epoch or a tilde with escapes; the name in the index is the plain one.
  mv "$work"/*.deb "$cache/$file"
  rmdir "$work"
fi

directory=$cache/${file%.deb}
if [[ ! -d $directory ]]; then
  work=$(mktemp -d "$cache/.unpack.XXXXXX")
  dpkg-deb --fsys-tarfile "$cache/$file" | tar -x -C "$work" ./boot ./lib
  depmod --basedir "$work" "$(ls "$work/lib/modules")"
  chmod 755 "$work"
  mv "$work" "$directory"
fi
echo "$directory"
