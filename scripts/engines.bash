# Sourced by scripts/proof: the job on engines that scripts/test does not run on, each private, one after the other.

# Every operation, and the job with what a class meets. On Podman what asks nothing that Docker alone answers.
docker_tests=(test/live/{engine-api,class-job,class-up,class-addresses,collect-class,reset-student,half-removed,sweep,logs,runtime,sandbox-walls}.test.ts)
podman_tests=(test/live/{engine-api,class-job}.test.ts)

# NAME, what scripts/ starts it, and the environment of its start: `root=SUITE` is ENGINE_ROOT of that Debian, `part` the Docker of scripts/parts.
engines=(
  'docker engine'
  'docker-userns engine ENGINE_FLAGS=--userns-remap=daemon'
  'podman podman'
  'docker-trixie engine root=trixie'
  'podman-trixie podman root=trixie'
  'docker-forky engine root=forky'
  'podman-forky podman root=forky'
  'docker-29 engine root=forky part'
)

# The systems of other releases are made once, and stay: some 700 MB each.
use_root() {
  export ENGINE_ROOT=$PWD/.local/engines/$1
  [[ ! -e $ENGINE_ROOT ]] || return 0
  mkdir -p .local/engines
  run scripts/install engine-root 2>"$work/log" && run scripts/engine-root "$1" "$ENGINE_ROOT" >"$work/log" 2>&1
}

use_part() {
  run scripts/parts dockerd 2>"$work/log"
  has_part dockerd || return
  PATH=${PARTS_DIR:-$PWD/.local/parts}/dockerd:$PATH
}

# Sets the environment of a start; where it cannot be had, the last line of $work/log says why.
prepare() {
  local word
  for word in "$@"; do
    case $word in
      root=*) use_root "${word#root=}" || return ;;
      part) use_part || return ;;
      *) export "${word?}" ;;
    esac
  done
}

run_files() { "${inside[@]}" node --import tsx scripts/run-tests.ts "${@:2}" | tee "$work/$1.log"; }

figure() { sed -n "s/^ℹ $2 //p" "$work/$1.log"; }

# What was recorded of this version is compared, where it was recorded.
compare_recording() {
  run env DOCKER_HOST="$LIVE_ENGINE" npm run --silent record -- --check >"$work/$1.record" 2>&1 || failed+=("$1: recording")
  cat "$work/$1.record"
  recording=$(sed -n '$s/^record: //p' "$work/$1.record")
}

# try_engine NAME LAUNCHER [WORD...]: adds a row to `rows`, and to `failed` what failed.
try_engine() {
  local name=$1 files facts recording=''
  engine=$2
  local failures=${#failed[@]}
  begin "engine $name"
  if ! prepare "${@:3}"; then
    missing "no $name" "$work/log"
  else
    start_servers
  fi
  if [[ -z ${LIVE_ENGINE:-} ]]; then
    rows+=("| $name | not had: ${reasons[-1]#*: } | | | | | | |")
    end_phase 'not had'
    return
  fi
  if [[ $engine == podman ]]; then files=("${podman_tests[@]}"); else files=("${docker_tests[@]}"); fi
  run run_files "$name" "${files[@]}" || failed+=("$name: tests")
  check_leftovers || failed+=("$name: leftovers")
  compare_recording "$name"
  facts=$(docker -H "$LIVE_ENGINE" version --format '{{.Server.Version}} | {{.Server.APIVersion}}')
  facts+=" | $(docker -H "$LIVE_ENGINE" info --format '{{.Driver}}, cgroups v{{.CgroupVersion}}')"
  rows+=("| $name | $facts | $(figure "$name" pass) | $(figure "$name" fail) | $(figure "$name" skipped) | $recording |")
  stop_servers
  unset LIVE_ENGINE LIVE_S3 LIVE_S3_ACCESS_KEY LIVE_S3_SECRET_KEY ENGINE_ROOT ENGINE_FLAGS
  inside=()
  if ((${#failed[@]} > failures)); then end_phase failed; else end_phase; fi
}

prove_engines() {
  local path=$PATH words wanted known=' '
  for words in "${engines[@]}"; do known+="${words%% *} "; done
  for wanted in "$@"; do
    [[ $known == *" $wanted "* ]] && continue
    echo "scripts/proof engines knows:$known" >&2
    exit 2
  done
  rows=() failed=()
  unset LIVE_ENGINE LIVE_S3
  for words in "${engines[@]}"; do
    if (($# > 0)) && [[ " $* " != *" ${words%% *} "* ]]; then continue; fi
    PATH=$path
    # shellcheck disable=SC2086 # words of a row
    try_engine $words
  done
  printf '\n| engine | version | API | storage | passed | failed | skipped | recording |\n|---|---|---|---|---|---|---|---|\n'
  printf '%s\n' "${rows[@]}"
  if ((${#failed[@]} > 0)); then
    printf 'scripts/proof: failed: %s\n' "${failed[@]}" >&2
    exit 1
  fi
  close "${#rows[@]} engines"
}
