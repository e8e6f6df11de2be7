#!/bin/bash
# test.sh main: everything, up to the scenarios on real Xen in QEMU, but for the longest of these.
# test.sh all: all scenarios.
# test.sh soak: the rehearsals of failures, with ten times as many failures.
# test.sh fast: the format of the sources and the unit tests.
#
# The last line of the output is "N passed, N failed". A step that is no test, such as a build,
# counts as one failed test when it fails, and ends the run. Fails too when no test ran.
set -euo pipefail
cd "$(dirname "$0")/.."
logs=$PWD/.build/logs
source scripts/job.sh

passed=0
failed=0

finish() {
  local status=$?
  trap - EXIT
  trap '' INT TERM HUP
  job_clean
  if [[ $failed -gt 0 || $status -ne 0 ]]; then
    echo "test: logs are in $logs"
    if [[ -d images/out/test-host/logs ]]; then
      echo "test: consoles of the test host are in $PWD/images/out/test-host/logs"
    fi
  fi
  # Cut short by something that no step accounts for.
  if [[ $status -ne 0 && $failed -eq 0 ]]; then failed=1; fi
  if [[ $passed -eq 0 && $failed -eq 0 ]]; then failed=1; fi
  echo "$passed passed, $failed failed"
  if [[ $failed -gt 0 && $status -eq 0 ]]; then status=1; fi
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# step NAME COMMAND...: runs a step on which the others depend.
step() {
  local name=$1
  shift
  echo "test: $name"
  if ! job_run "$logs/$name.log" "$@"; then
    echo "test: $name failed"
    failed=$((failed + 1))
    exit 1
  fi
}

# All that the scenarios on the test host need. The kernels take longest and the images need them,
# so they are built beside the rest, and the images come last; when that fails, so do the images.
prepare() {
  step setup scripts/setup.sh build images host
  job_background "$logs/kernels.log" images/kernel/build.sh images/out/cache
  step lint scripts/lint.sh
  step test-host images/test-host/build.sh
  step build swift build --build-tests
}
build_images() {
  step disk-image images/build.sh disk
  step network-image images/build.sh network
  step ddctl images/build-ddctl.sh
}

# tests NAME SWIFT-TEST-OPTION...: runs a part of the tests and counts them.
tests() {
  local name=$1 report=$logs/$1.xml status=0 ran bad skipped
  shift
  echo "test: $name"
  rm -f "${report%.xml}"*.xml
  # Line by line, so that the log names the test that is running.
  job_run "$logs/$name.log" stdbuf -oL swift test --skip-build --xunit-output "$report" "$@" || status=$?
  # One file for XCTest, which has no tests here, and one for Swift Testing.
  ran=$(count '<testcase ' "${report%.xml}"*.xml)
  bad=$(count_cases_with failure "${report%.xml}"*.xml)
  skipped=$(count_cases_with skipped "${report%.xml}"*.xml)
  passed=$((passed + ran - bad - skipped))
  failed=$((failed + bad))
  # A run that died, or that found no tests, tells of no failure in its report.
  if [[ $bad -eq 0 && ($status -ne 0 || $ran -eq 0) ]]; then
    echo "test: $name ended with status $status; its report has $ran tests and no failure"
    failed=$((failed + 1))
  fi
}

# check NAME COMMAND...: runs a program that is one test.
check() {
  local name=$1
  shift
  echo "test: $name"
  if job_run "$logs/$name.log" "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "test: $name failed"
  fi
}

# count TEXT FILE...: how often TEXT is in the files; none of them need exist.
count() {
  local text=$1
  shift
  cat "$@" 2>/dev/null | { grep -oF -- "$text" || true; } | wc -l
}

# count_cases_with ELEMENT FILE...: how many test cases hold at least one such element.
count_cases_with() {
  local element=$1
  shift
  cat "$@" 2>/dev/null | tr '\n' ' ' | sed 's/<testcase /\n&/g' |
    { grep -E "^<testcase [^>]*[^/]>.*<$element[ />]" || true; } | wc -l
}

case ${1-} in
main)
  prepare
  # Everything that needs the machine is in the suite RealXen (Tests/XenHostTests).
  tests unit --skip RealXen
  step cost-build scripts/build-micro-bench.sh
  check cost .build/image/release/MicroBench --check
  build_images
  tests scenarios --filter RealXen
  ;;
all)
  export SCENARIOS=all
  prepare
  build_images
  tests scenarios --filter RealXen
  ;;
soak)
  export SCENARIOS=soak
  prepare
  build_images
  tests soak --filter 'RealXen/(RestartTests|DomainRestartTests/outlives)'
  ;;
fast)
  step setup scripts/setup.sh build
  step lint scripts/lint.sh
  step build swift build --build-tests
  tests unit --skip RealXen
  ;;
*)
  echo "usage: test.sh main|all|soak|fast" >&2
  exit 2
  ;;
esac
