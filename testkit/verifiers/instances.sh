# Instances of the program under test: started, awaited, killed, stopped, and what all of them used.
# Sourced after ground.sh, never run. PROGRAM, with arguments of its own if it is an array, takes
# BOOTSTRAP STATE_DIR MODE and prints RUNNING.

# A restarted instance may wait for the dead one's session (10 s) and for its state.
RUNNING_LIMIT_S=90
STOP_LIMIT_S=60
# Shorter than a session: who comes back meets the group while its dead self is still a member.
DOWN_S=3
# From a kill to the next: the session ends, the state moves, and a few seconds of work in the new order.
ROUND_S=20

declare -A INSTANCES=()
MODE=
KILLED_AT_MS=()
APP_TICKS=0
APP_PEAK_KB=0

end_instances() {
  local pid
  for pid in "${INSTANCES[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  INSTANCES=() KILLED_AT_MS=() APP_TICKS=0 APP_PEAK_KB=0
}

start_instance() {
  within_run "${PROGRAM[@]}" "$BOOTSTRAP" "$RUN/state-$1" "$MODE" >"$RUN/instance-$1.out" 2>>"$RUN/instance-$1.err" &
  INSTANCES[$1]=$!
}

await_running() {
  local began=$SECONDS
  until grep -sq RUNNING "$RUN/instance-$1.out"; do
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
  die "instance $1 $2; see $KEPT/instance-$1.err, which ends: $(tail -1 "$RUN/instance-$1.err" | cut -c1-200)"
}

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

# replace kill_instances|stop_instance NUMBER
replace() {
  say "   $1 $2"
  "$1" "$2"
  sleep "$DOWN_S"
  start_instance "$2"
  await_running "$2"
}

# round COMMAND…: runs it, then lets the instances work in the new order until ROUND_S are over.
round() {
  local began=$SECONDS
  "$@"
  local left_s=$((ROUND_S - SECONDS + began))
  ((left_s <= 0)) || sleep "$left_s"
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
