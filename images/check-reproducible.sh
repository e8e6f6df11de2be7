#!/bin/bash
# Builds an image twice, from copies of the sources in two directories with names of different
# length, and fails when a byte differs: images/check-reproducible.sh disk
#
# Both take the kernel from the cache. images/check-reproducible.sh kernel builds the kernels once
# more, elsewhere, and compares them with those.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
name=${1:-disk}
cache=${CACHE:-$here/out/cache}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sums() { (cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum); }

# same FILE FILE: fails when two lists of sums differ.
same() {
  cat "$1"
  diff "$1" "$2" || { echo "check-reproducible: the two builds differ" >&2; exit 1; }
  echo "reproducible: both builds are the same"
}

if [[ $name == kernel ]]; then
  first=$("$here/kernel/build.sh" "$cache")
  second=$(KERNELS=$work/a-much/longer/name "$here/kernel/build.sh" "$cache")
  sums "$first" > "$work/first"
  sums "$second" > "$work/second"
  same "$work/first" "$work/second"
  exit 0
fi

# What git knows, as it is on the disk now.
copy() {
  mkdir -p "$1"
  (cd "$root" && git ls-files -z --cached --others --exclude-standard |
    xargs -0 -r ls -d 2> /dev/null | tar -c -T -) | tar -x -C "$1"
  if [[ -f $root/Package.resolved ]]; then cp "$root/Package.resolved" "$1/"; fi
}

for directory in "$work/a" "$work/a-much/longer/name"; do
  copy "$directory"
  CACHE=$cache OUT=$directory/image SCRATCH=$directory/scratch \
    "$directory/images/build.sh" "$name" 2> "$directory/log" ||
    { cat "$directory/log" >&2; exit 1; }
  sums "$directory/image" > "$directory/sums"
  rm -rf "$directory/scratch"
done
same "$work/a/sums" "$work/a-much/longer/name/sums"
