# Runs long commands so that an interrupt ends them and all that they started. Sourced, never run.
#
# TMPDIR is a directory of this run alone, and goes with it: what a killed test or machine leaves in
# it is nobody's worry.

job=
background=
scratch=$(mktemp -d "${TMPDIR:-/tmp}/xen.XXXXXX")
export TMPDIR=$scratch

# job_run LOG COMMAND...: runs a command in a process group of its own, without input, and keeps
# its output in LOG too. Gives the command's status.
job_run() {
  local log=$1 status=0
  shift
  mkdir -p "$(dirname "$log")"
  # Job control gives the command its own group; the terminal's Ctrl-C then comes to us alone.
  set -m
  (set +e; "$@" 2>&1 | tee "$log"; exit "${PIPESTATUS[0]}") </dev/null &
  job=$!
  set +m
  wait "$job" || status=$?
  job=
  return "$status"
}

# job_background LOG COMMAND...: starts a command that takes what processor time the others leave,
# and does not wait for it. It ends with job_clean at the latest.
job_background() {
  local log=$1
  shift
  mkdir -p "$(dirname "$log")"
  set -m
  nice -n 19 "$@" </dev/null >"$log" 2>&1 &
  background=$!
  set +m
}

# Ends the job, gently first.
job_stop() {
  [[ -n $job ]] || return 0
  local signal
  for signal in INT TERM KILL; do
    kill -"$signal" -- "-$job" 2>/dev/null || return 0
    local tries=30
    while ((tries-- > 0)) && kill -0 -- "-$job" 2>/dev/null; do sleep 0.1; done
  done
}

job_clean() {
  job_stop
  if [[ -n $background ]]; then kill -- "-$background" 2>/dev/null || true; fi
  rm -rf "$scratch"
}
