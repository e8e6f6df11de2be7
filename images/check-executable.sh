#!/bin/bash
# Fails when an executable could not run in an image, or drags Foundation into it.
set -euo pipefail
file=${1:?usage: check-executable.sh FILE}

fail() { echo "check-executable: $file: $1" >&2; exit 1; }

readelf -lW "$file" | grep -q INTERP && fail "not static: wants a dynamic loader"
readelf -dW "$file" | grep -q NEEDED && fail "not static: needs libraries"
# Names as Swift mangles them. The runtime itself mentions Foundation.__SwiftValue once.
grep -aqE '10Foundation|20FoundationEssentials' "$file" && fail "contains Foundation"
grep -aqF "$(cd "$(dirname "$0")/.." && pwd)" "$file" && fail "contains the path of its build"
exit 0
