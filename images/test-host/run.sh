#!/bin/bash
# Boots the test host by hand, with a shell in Dom0 on this terminal. `poweroff -f`, or leaving the
# shell, ends it. Options go to QEMU.
source "$(dirname "$0")/common.sh"

"$here/build.sh"
directory=$(mktemp -d)
saved=$(stty -g)
trap 'stty "$saved"; rm -rf "$directory"' EXIT
# Keys, and the interrupt key too, belong to the shell in Dom0.
stty raw -echo
TEST_HOST_DOM0=test-host.shell "$here/boot.sh" "$directory" "$@"
