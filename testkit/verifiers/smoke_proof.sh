# SmokeTest's plan: kills, a stop and a newcomer under load, under each guarantee; then a record dropped, a record doubled.
# Sourced after smoke.sh and verdicts.sh, never run.

# As StreamsSmokeTest has them.
SMOKE_KEYS=20
SMOKE_RECORDS_PER_KEY=1000
SMOKE_LEAST_S=90
# A planted fault needs no more, and the driver takes minutes to give up on it.
FAULT_RECORDS_PER_KEY=100
FAULT_S=40

prove_smoke() {
  smoke_kills_under_load exactly_once_v2
  smoke_kills_under_load at_least_once
  smoke_planted_fault 1 "a record dropped" 'fail: key=(99|100) tagg'
  smoke_planted_fault -1 "a record doubled" 'fail: key=(100|101) tagg'
}

# smoke_kills_under_load GUARANTEE
smoke_kills_under_load() {
  say "SmokeTest, $1: $ROUNDS kills and one stop of one of two instances, then a third"
  local number seconds=$(((ROUNDS + 3) * ROUND_S)) marks=()
  start_smoke_afresh "$1"
  start_instance 1
  start_instance 2
  await_running 1
  await_running 2
  start_driver "$SMOKE_KEYS" "$SMOKE_RECORDS_PER_KEY" $((seconds < SMOKE_LEAST_S ? SMOKE_LEAST_S : seconds))
  sleep "$ROUND_S"
  for ((number = 1; number <= ROUNDS; number++)); do
    marks+=("$(produced)")
    round replace kill_instances $((number % 2 + 1))
    require_generating
  done
  round replace stop_instance $((number % 2 + 1))
  start_instance 3
  await_running 3
  require_generating
  smoke_verdict PASS '' "SmokeTest, $1, kills under load"
  for number in 1 2 3; do stop_instance "$number"; done
  figure "$DRIVEN records, $ROUNDS kills (after ${marks[*]} records), 1 stop, 1 newcomer; $(app_usage)"
}

# smoke_planted_fault BY NAME REASON: between two lives of the instances, somebody moves the group's position.
smoke_planted_fault() {
  say "SmokeTest, exactly_once_v2: $2 (the driver looks for minutes)"
  start_smoke_afresh exactly_once_v2
  start_instance 1
  start_instance 2
  await_running 1
  await_running 2
  start_driver "$SMOKE_KEYS" "$FAULT_RECORDS_PER_KEY" "$FAULT_S"
  sleep $((FAULT_S / 3))
  stop_instance 1
  stop_instance 2
  local moved
  moved=$(smoke_tool shift "$1")
  start_instance 1
  start_instance 2
  require_generating
  smoke_verdict FAIL "$3" "SmokeTest, $2"
  figure "$moved: ${REASON}"
  stop_instance 1
  stop_instance 2
}
