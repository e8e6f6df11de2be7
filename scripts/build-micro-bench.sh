#!/bin/bash
# Builds .build/image/release/MicroBench: in the place and with the flags of the images' programs, so
# that what it shares with them is compiled once, and measured as it is shipped.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$root/.build/image
source "$root/images/compile.sh"
compile_product MicroBench
