#!/bin/bash
# Copies the modules that a recipe names, and all they depend on, into one flat directory.
#
# order lists the files to load at every boot; extra.NAME lists those of one module that is
# loaded on demand. Both are in an order that satisfies all dependencies.
set -euo pipefail
kernel=${1:?usage: copy-modules.sh KERNEL-DIRECTORY RECIPE-DIRECTORY TARGET-DIRECTORY}
recipe=${2:?}
target=${3:?}
version=$(ls "$kernel/lib/modules")
mkdir -p "$target"

# Prints the file names of a module and its dependencies, these first, and copies them. What is
# built into the kernel needs no file. No configuration of this machine may have a say.
resolve() {
  local line kind path
  line=$(modprobe --config /dev/null --dirname "$kernel" --set-version "$version" \
    --show-depends "$1")
  while read -r kind path _; do
    [[ $kind == insmod ]] || continue
    install -m 0644 "$path" "$target/"
    basename "$path"
  done <<< "$line"
}

names() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$1"; }

for module in $(names "$recipe/modules"); do resolve "$module"; done |
  awk '!seen[$0]++' > "$target/order"
for module in $(names "$recipe/modules.extra"); do
  resolve "$module" > "$target/extra.${module//-/_}"
done
