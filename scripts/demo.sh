#!/bin/bash
# Builds all that the demo needs and runs it. The last line of its output is one JSON object.
set -euo pipefail
cd "$(dirname "$0")/.."
logs=$PWD/.build/logs
source scripts/job.sh

trap job_clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# step NAME COMMAND...: runs a step on which the others depend.
step() {
  local name=$1
  shift
  echo "demo: $name"
  job_run "$logs/demo-$name.log" "$@" ||
    { echo "demo: $name failed; logs are in $logs" >&2; exit 1; }
}

step setup scripts/setup.sh build images host
step disk-image images/build.sh disk
step network-image images/build.sh network
step test-host images/test-host/build.sh
if [[ ${1-} == bench ]]; then step peer images/test-host/peer.sh; fi
if [[ ${1-} == restart ]]; then
  step ddctl images/build-ddctl.sh
  step ring-path scripts/build-micro-bench.sh
fi
step build swift build --product Demo
echo "demo: runs"
status=0
job_run "$logs/demo.log" stdbuf -oL .build/debug/Demo "$@" || status=$?
# After a failure too the result is the last line, if the demo came to one.
if [[ $status -ne 0 && $(tail -1 "$logs/demo.log") != '{'*'}' ]]; then
  echo "demo: ended with status $status; logs are in $logs and images/out/test-host/logs" >&2
fi
exit "$status"
