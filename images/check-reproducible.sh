#!/bin/bash
# Builds an image twice, from copies of the sources in two directories with names of different
# length, and fails when a byte differs: images/check-reproducible.sh disk
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
name=${1:-disk}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What git knows, as it is on the disk now.
copy() {
  mkdir -p "$1"
  (cd "$root" && git ls-files -z --cached --others --exclude-standard |
    xargs -0 -r ls -d 2> /dev/null | tar -c -T -) | tar -x -C "$1"
  if [[ -f $root/Package.resolved ]]; then cp "$root/Package.resolved" "$1/"; fi
}

for directory in "$work/a" "$work/a-much/longer/name"; do
  copy "$directory"
  CACHE=${CACHE:-$here/out/cache} OUT=$directory/image SCRATCH=$directory/scratch \
    "$directory/images/build.sh" "$name" 2> "$directory/log" ||
    { cat "$directory/log" >&2; exit 1; }
  (cd "$directory/image" && sha256sum -- *) > "$directory/sums"
  rm -rf "$directory/scratch"
done
cat "$work/a/sums"
diff "$work/a/sums" "$work/a-much/longer/name/sums" ||
  { echo "check-reproducible: the two builds differ" >&2; exit 1; }
echo "reproducible: both builds are the same"
