#!/bin/bash
# Builds everything the test host boots from into images/out/test-host. Does nothing when neither
# these scripts nor their results have changed.
source "$(dirname "$0")/common.sh"

stamp=$out/inputs.sha256
inputs=$(find "$here" -type f ! -name README.md -print0 | sort -z | xargs -0 sha256sum |
  sed "s| $here/| |" | sha256sum)
if [ "$(cat "$stamp" 2>/dev/null)" = "$inputs" ]; then exit 0; fi

# Two test runs in one tree must not build at the same time.
mkdir -p "$out" "$cache"
exec 9>"$cache/test-host.lock"
flock 9
if [ "$(cat "$stamp" 2>/dev/null)" = "$inputs" ]; then exit 0; fi

fetched=$cache/test-host-root.sha256
fetch_inputs=$(cat "$here/fetch.sh" | sha256sum)
if [ "$(cat "$fetched" 2>/dev/null)" != "$fetch_inputs" ]; then
  "$here/fetch.sh"
  echo "$fetch_inputs" >"$fetched"
fi
"$here/kernel.sh"
"$here/guest.sh"
"$here/dom0.sh"
"$here/disks.sh"
echo "$inputs" >"$stamp"
step "done: $(du -h --apparent-size -c "$out"/{xen.bin,vmlinux,dom0.cpio} | tail -1 | cut -f1) to boot"
