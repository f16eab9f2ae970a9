# Apache Kafka's EosTest around our engine: a fresh broker, instances that are killed and stopped, load, verdicts.
# Sourced, never run; the script that does plans the run and calls clean at its end.
# Environment: EOS_PROGRAM, another program under test (BOOTSTRAP STATE_DIR complex), for a check of the test itself.

source "$(dirname "${BASH_SOURCE[0]}")/../../deploy/local/ground.sh"
source "$(dirname "${BASH_SOURCE[0]}")/ground.sh"

KAFKA=$VERIFIERS/../../deploy/local/kafka.sh
EOS=$INSTANCE_DIR/eos
TOPICS=(data echo min sum repartition max cnt)
# The restarted instance may wait for the dead one's session (10 s) and for its state.
RUNNING_LIMIT_S=90
STOP_LIMIT_S=60

declare -A INSTANCES=()
GENERATOR=
KILLED_AT_MS=()
APP_TICKS=0
APP_PEAK_KB=0

build_program() {
  [[ -z ${EOS_PROGRAM:-} ]] || return 0
  cargo build -q --manifest-path "$VERIFIERS/Cargo.toml" -p comanda-verifiers
  EOS_PROGRAM=$CARGO_TARGET_DIR/debug/comanda-eos-test
}

# A broker, topics and states without a past.
start_afresh() {
  clean
  mkdir -p "$EOS"
  printf 'bootstrap.servers=%s\n' "$BOOTSTRAP" >"$EOS/eos.properties"
  "$KAFKA" start
  eos_tool create "${TOPICS[@]}"
}

# Ends what this script started; deletes broker and states.
clean() {
  local pid
  for pid in "${INSTANCES[@]}" $GENERATOR; do kill -KILL "$pid" 2>/dev/null || true; done
  INSTANCES=() GENERATOR='' KILLED_AT_MS=() APP_TICKS=0 APP_PEAK_KB=0
  "$KAFKA" reset
  rm -rf "${EOS:?}"
}

start_instance() {
  "$EOS_PROGRAM" "$BOOTSTRAP" "$EOS/state-$1" complex >"$EOS/instance-$1.out" 2>>"$EOS/instance-$1.err" &
  INSTANCES[$1]=$!
}

await_running() {
  local began=$SECONDS
  until grep -q RUNNING "$EOS/instance-$1.out"; do
    alive "${INSTANCES[$1]}" || fail_instance "$1" "ended while starting"
    ((SECONDS - began < RUNNING_LIMIT_S)) || fail_instance "$1" "does not run after $RUNNING_LIMIT_S s"
    sleep 0.2
  done
}

alive() { start_ticks "$1" >/dev/null; }

# In good order until now? An instance that gave up by itself would pass for one that was killed.
require_alive() { alive "${INSTANCES[$1]}" || fail_instance "$1" "ended by itself"; }

fail_instance() {
  keep_logs
  die "instance $1 $2; see $VERIFIERS_HOME/instance-$1.err, which ends: $(tail -1 "$EOS/instance-$1.err" | cut -c1-200)"
}

# For the reader of a run that went wrong: clean deletes the rest.
keep_logs() { cp "$EOS"/*.err "$VERIFIERS_HOME/"; }

# kill_instances NUMBER…: at one blow.
kill_instances() {
  local instance pids=()
  for instance in "$@"; do
    require_alive "$instance"
    add_usage "${INSTANCES[$instance]}"
    pids+=("${INSTANCES[$instance]}")
  done
  kill -KILL "${pids[@]}"
  KILLED_AT_MS+=("$(date +%s%3N)")
  wait "${pids[@]}" 2>/dev/null || true
  for instance in "$@"; do unset "INSTANCES[$instance]"; done
}

# stop_instance NUMBER: by SIGTERM, and it must end with 0.
stop_instance() {
  local pid=${INSTANCES[$1]} began=$SECONDS status=0
  require_alive "$1"
  add_usage "$pid"
  kill -TERM "$pid"
  while alive "$pid"; do
    ((SECONDS - began < STOP_LIMIT_S)) || fail_instance "$1" "does not end $STOP_LIMIT_S s after SIGTERM"
    sleep 0.1
  done
  wait "$pid" || status=$?
  ((status == 0)) || fail_instance "$1" "ended with $status after SIGTERM"
  unset "INSTANCES[$1]"
}

# Adds what a process used until now; one that is told to stop uses a little more to close.
add_usage() {
  local stat
  stat=$(cat "/proc/$1/stat")
  set -- "$1" ${stat##*) }
  APP_TICKS=$((APP_TICKS + ${13} + ${14}))
  local peak_kb
  peak_kb=$(awk '/VmHWM/ {print $2}' "/proc/$1/status")
  ((peak_kb <= APP_PEAK_KB)) || APP_PEAK_KB=$peak_kb
}

app_usage() {
  awk -v ticks="$APP_TICKS" -v hz="$(getconf CLK_TCK)" -v kb="$APP_PEAK_KB" \
    'BEGIN { printf "%.1f CPU-s in all incarnations, peak RSS %d MB", ticks / hz, kb / 1024 }'
}

# start_generator COMMAND…
start_generator() {
  "$@" >"$EOS/generator.out" 2>"$EOS/generator.err" &
  GENERATOR=$!
}

# A generator that writes ends when it is told to, and not before.
stop_generator() {
  alive "$GENERATOR" || die "the generator ended by itself: $(tail -1 "$EOS/generator.err")"
  kill -TERM "$GENERATOR"
  wait "$GENERATOR" || true
  GENERATOR=
}

count_of() { eos_tool count "$1" | cut -d' ' -f2; }

# verify: sets VERDICT to PASS or FAIL, REASON to what the verifier said, RETRIES to its waits for open transactions.
# Success is a line, never the exit code.
verify() {
  local status=0
  (kafka_eos_test "$VERIFIER_HEAP" "$EOS/eos.properties" verify-complex) >"$EOS/verify.out" 2>"$EOS/verify.err" ||
    status=$?
  RETRIES=$(grep -c '^Retry' "$EOS/verify.out" || true)
  if grep -q '^ALL-RECORDS-DELIVERED$' "$EOS/verify.out"; then
    VERDICT=PASS REASON=
  else
    VERDICT=FAIL
    REASON=$(awk '/Exception/ && !/ WARN / { print substr($0, 1, 200); exit }' "$EOS/verify.err" "$EOS/verify.out")
    REASON=${REASON:-no reason, exit $status}
  fi
}
