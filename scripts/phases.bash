# Sourced by scripts/test and scripts/proof: phases that tell their time, and the engine and the S3 server of this run.
# LIVE_ENGINE (unix://...) or LIVE_S3 in the environment are used as they are, and not stopped.

# Each phase is a process group of its own, so that an interrupted one ends as a whole.
set -m

caller=scripts/${0##*/}
exec </dev/null {terminal}>&2
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
unset FORCE_COLOR
export NO_COLOR=1
work=$(mktemp -d "${TMPDIR:-/tmp}/class-XXXXXX")
# What tests and services leave behind goes with it, and no other run's cleaning can reach theirs.
# Others may pass through: a test runs the service as another user.
mkdir "$work/tmp"
chmod 711 "$work"
export TMPDIR=$work/tmp
# What start_servers starts; a Podman's folder is one that scripts/engine can stop and enter, too.
engine=engine
phase='start' child='' engine_folder='' podman_folder='' swarm_folder='' s3_folder='' s3_server=''
# A private engine's network is its own: what talks to its sandboxes, or is talked to from there, runs inside it.
inside=()

# Ends the servers that this run started.
stop_servers() {
  local status=0
  if [[ -n $s3_folder ]]; then "scripts/$s3_server" stop "$s3_folder" || status=1; fi
  if [[ -n $podman_folder ]]; then scripts/podman stop "$podman_folder" || status=1; fi
  if [[ -n $swarm_folder ]]; then scripts/engine stop "$swarm_folder" || status=1; fi
  if [[ -n $engine_folder ]]; then scripts/engine stop "$engine_folder" || status=1; fi
  s3_folder='' podman_folder='' swarm_folder='' engine_folder=''
  return "$status"
}

clean_up() {
  local status=$?
  trap - EXIT
  # `timeout` sends its signal twice: the second must not end the cleaning.
  trap '' INT TERM HUP
  set +e
  # The phase that was interrupted may have stderr redirected.
  exec 2>&"$terminal"
  if [[ -n $child ]]; then
    kill -TERM -- "-$child" 2>/dev/null
    for _ in {1..50}; do
      kill -0 -- "-$child" 2>/dev/null || break
      sleep 0.2
    done
    kill -KILL -- "-$child" 2>/dev/null
    wait "$child" 2>/dev/null
  fi
  stop_servers
  rm -rf "$work"
  ((status == 0)) || echo "$caller: FAILED at: $phase" >&2
  exit "$status"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Runs a command so that a signal to this script interrupts the wait; clean_up then ends the command.
run() {
  local status=0
  "$@" &
  child=$!
  wait "$child" || status=$?
  child=''
  return "$status"
}

tenths() { echo $((${EPOCHREALTIME/[.,]/} / 100000)); }

# begin NAME, then end_phase [OUTCOME]: the two lines around each phase.
begin() {
  phase=$1
  began=$(tenths)
  echo "== $phase"
}
end_phase() {
  local took=$(($(tenths) - began))
  echo "== $phase: ${1:-passed} in $((took / 10)).$((took % 10)) s"
}

# missing WHAT LOG: fails under CI=true; elsewhere the last line of LOG becomes the reason of the note at the end.
reasons=()
missing() {
  cat "$2" >&2
  if [[ ${CI:-} == true ]]; then
    echo "$caller: $1, and under CI=true that is a failure" >&2
    exit 1
  fi
  reasons+=("$1: $(tail -n 1 "$2")")
}

export_lines() {
  local line
  while IFS= read -r line; do export "${line?}"; done <"$1"
}

# The real part NAME of scripts/parts is there.
has_part() { [[ $(scripts/parts --list "$1") == "$1 had "* ]]; }

start_servers() {
  if [[ -z ${LIVE_ENGINE:-} ]]; then
    engine_folder=$work/engine
    if run scripts/install "$engine" 2>"$work/log" && run "scripts/$engine" start "$engine_folder" >"$work/env" 2>"$work/log"; then
      export_lines "$work/env"
    else
      engine_folder=''
      missing 'no engine' "$work/log"
    fi
  fi
  if [[ -n $engine_folder && -z ${LIVE_S3:-} ]]; then inside=(scripts/engine run "$engine_folder"); fi
  if [[ -n ${LIVE_ENGINE:-} && -z ${LIVE_S3:-} ]]; then start_s3; fi
  if [[ -n ${LIVE_ENGINE:-} ]]; then
    run env DOCKER_HOST="$LIVE_ENGINE" node --import tsx scripts/lab-image.ts
  fi
}

# MinIO where it is had, else Debian's radosgw.
start_s3() {
  s3_folder=$work/s3 s3_server=s3
  if has_part minio; then s3_server=minio; fi
  if { [[ $s3_server == minio ]] || run scripts/install s3 2>"$work/log"; } &&
    run "${inside[@]}" "scripts/$s3_server" start "$s3_folder" >"$work/env" 2>"$work/log"; then
    export_lines "$work/env"
    case $s3_server in
      minio) echo "$caller: the S3 server is the real MinIO of scripts/parts" ;;
      s3) echo "$caller: the S3 server is radosgw, since MinIO is not there: scripts/parts minio builds it" ;;
    esac
  else
    missing 'no S3 server' "$work/log"
  fi
}

# run_tests KIND [COMMAND...]: the tests of scripts/run-tests.ts --KIND, started by the command; its report is kept.
run_tests() { "${@:2}" node --import tsx scripts/run-tests.ts "--$1" | tee "$work/$1.log"; }

count() { sed -n 's/^ℹ tests //p' "$work/$1.log"; }

skipped() { sed -n 's/^ℹ skipped //p' "$work/$1.log"; }

# Where a test left something on the private engine, that is a failure.
check_leftovers() {
  if [[ -n $engine_folder ]]; then run env DOCKER_HOST="$LIVE_ENGINE" node --import tsx scripts/leftovers.ts; fi
}

# close WHAT_RAN: ends the servers, and says what passed.
close() {
  begin 'stop what was started'
  stop_servers
  rm -rf "$work"
  end_phase
  if ((${#reasons[@]} == 0)); then
    echo "$caller: everything passed ($1)"
    return
  fi
  printf '\n!!! NOT EVERYTHING WAS TESTED\n' >&2
  printf '!!! %s\n' "${reasons[@]}" >&2
  if [[ -z ${LIVE_ENGINE:-} || -z ${LIVE_S3:-} ]]; then
    printf '!!! Live tests need an engine and an S3 server: see scripts/install, or set LIVE_ENGINE and LIVE_S3.\n' >&2
  fi
  printf '\n' >&2
  echo "$caller: what could run passed ($1)"
}
