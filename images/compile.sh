# For build.sh, build-ddctl.sh and scripts/build-micro-bench.sh: compiles products of the package and
# links their object files. All use the same directory and the same flags, so that what they share is
# compiled once.
#
# Needs $root, the package, $scratch, where Swift builds, and $work, a temporary directory.

# compile_product PRODUCT: the prefix maps keep the place of the sources out of what the compilers
# write. SwiftPM links the product too, in its own way, which is good enough for MicroBench alone.
compile_product() {
  swift build --package-path "$root" -c release --product "$1" --scratch-path "$scratch" \
    --static-swift-stdlib -Xswiftc -use-ld=lld \
    -Xswiftc -file-prefix-map -Xswiftc "$root=." \
    -Xcc "-ffile-prefix-map=$root=." >&2
}

# object_files PRODUCT...: the products' object files, as SwiftPM lists them.
object_files() {
  local product
  for product; do cat "$scratch/release/$product.product/Objects.LinkFileList"; done | sort -u
}

# link_objects OUTPUT OBJECT-LIST OPTION...: links what is used, without symbols.
link_objects() {
  local output=$1 list=$2
  shift 2
  swiftc -emit-executable -use-ld=lld -o "$output" "@$list" "$@" \
    -Xlinker --gc-sections -Xlinker --build-id=none >&2
  check_specialised "$output"
  objcopy --strip-all "$output"
  erase_module_hashes "$output"
}

# check_specialised PROGRAM: fails when a data path has stayed generic, which looks types up at run
# time and costs twice the time. Without an error, it happens where a caller is generic itself.
check_specialised() {
  if nm "$1" | grep -E ' \$s1[02](Block|Net)Backend.*4turn.*10[hH]ypervisor.*lF$' >&2; then
    echo "compile.sh: $1: these are not specialised" >&2
    return 1
  fi
}

# erase_module_hashes PROGRAM: the compiler leaves a hash of each object file, path of the sources
# and all, in a section that only incremental builds read.
erase_module_hashes() {
  objcopy -O binary --only-section=.swift_modhash "$1" "$work/hashes"
  truncate -s "$(stat -c %s "$work/hashes")" "$work/zeros"
  objcopy --update-section ".swift_modhash=$work/zeros" "$1"
  rm -f "$work/hashes" "$work/zeros"
}
