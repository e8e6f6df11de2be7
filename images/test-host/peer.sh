#!/bin/bash
# Builds the kernel of the driver domains with Linux's own backends into images/out/peer. Not a part
# of build.sh: only `make bench` needs it.
source "$(dirname "$0")/common.sh"

kernels=$("$images/kernel/build.sh" "$cache" peer)
mkdir -p "$images/out/peer"
cp "$kernels/peer/vmlinux" "$images/out/peer/vmlinux"
