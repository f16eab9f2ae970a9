#!/usr/bin/env bash
# Kafka's own EosTest verifies our engine: kill -9 under load, falsified records, death in a transaction; ROUNDS=1 is short
# Environment: COMANDA_HOME, CARGO_TARGET_DIR, VERIFIERS_KAFKA_PORT, ROUNDS (kills under load), EOS_PROGRAM.
set -euo pipefail
FOLDER=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export COMANDA_INSTANCE=verifiers COMANDA_KAFKA_PORT=${VERIFIERS_KAFKA_PORT:-39092}
source "$FOLDER/../verifiers/eos.sh"

ROUNDS=${ROUNDS:-3}
# At least so many, and for as long as instances are killed.
RECORDS=60000
KEYS=1000
RECORDS_PER_S=1500
# Shorter than a session (10 s): who comes back meets the group while its dead self is still a member.
DOWN_S=3
# From a kill to the next: the session ends, the state moves, and a few seconds of work in the new order.
ROUND_S=20
# The published generator writes about 150 records a second.
PUBLISHED_S=20
DRAIN_LIMIT_S=300

SUMMARY=()
WRONG=0

main() {
  build_program
  build_verifiers
  trap clean EXIT
  kills_under_load
  falsified_records
  death_in_a_transaction
  printf '%s\n' '' "${SUMMARY[@]}"
  ((WRONG == 0)) || die "$WRONG verdicts are not what they must be"
}

kills_under_load() {
  say "1. kills under load: $ROUNDS kills and one stop of one of two instances"
  start_afresh
  start_instance 1
  await_running 1
  start_generator java_with 256m EosTool "$BOOTSTRAP" generate "$RECORDS" "$KEYS" "$RECORDS_PER_S"
  start_instance 2
  await_running 2
  sleep "$ROUND_S"
  local round
  for ((round = 1; round <= ROUNDS; round++)); do replace kill_instances $((round % 2 + 1)); done
  replace stop_instance $((round % 2 + 1))
  stop_generator
  drain_and_stop
  report_load
}

# replace kill_instances|stop_instance NUMBER
replace() {
  local began=$SECONDS
  say "   $1 $2"
  "$1" "$2"
  sleep "$DOWN_S"
  start_instance "$2"
  await_running "$2"
  local left_s=$((ROUND_S - SECONDS + began))
  ((left_s <= 0)) || sleep "$left_s"
}

# Who commits the last record read, not the place behind it, leaves one commit marker in each partition of `repartition`.
drain_and_stop() {
  local lags
  lags=$(eos_tool drained "$DRAIN_LIMIT_S" data:0 repartition:5) || {
    keep_logs
    die "lag: $lags; see $VERIFIERS_HOME/instance-*.err"
  }
  say "   lag: $lags"
  stop_instance 1
  stop_instance 2
}

# The verifier judges the values of what was processed; whether all of it was, it does not ask.
report_load() {
  local written outages
  written=$(sed -n 's/ records$//p' "$EOS/generator.out")
  outages=$(eos_tool outages echo "${KILLED_AT_MS[@]}" | paste -sd' ')
  expect PASS '' "kills under load"
  check "every topic holds $written records" "$(eos_tool count "${TOPICS[@]}" | cut -d' ' -f2 | sort -u | paste -sd' ')" "$written"
  SUMMARY+=("             $written records, $ROUNDS kills, 1 stop; seconds from each kill until all partitions were written to again: $outages")
  SUMMARY+=("             $(app_usage)")
}

# The same topics, one falsehood after the other: before each the verifier is content.
falsified_records() {
  say "2. falsified records"
  eos_tool write data/0/lost/7
  expect FAIL 'expected [0-9]+ records for (min|sum)-0 but received' "input without output"
  eos_tool write echo/0/lost/7 min/0/lost/7 sum/0/lost/7 repartition/0/lost/7
  expect FAIL 'expected [0-9]+ records for (max|cnt)-0 but received' "repartitioned input without output"
  eos_tool write max/0/lost/7 cnt/0/lost/1
  expect PASS '' "both written by hand"
  eos_tool write echo/1/doubled/1
  expect FAIL NoSuchElementException "an output twice"
  eos_tool write data/1/doubled/1 min/1/doubled/1 sum/1/doubled/1 repartition/1/doubled/1 max/1/doubled/1 cnt/1/doubled/1
  expect PASS '' "an input of its own for it"
  eos_tool write data/0/wrong/3 echo/0/wrong/3 min/0/wrong/7 sum/0/wrong/3 repartition/0/wrong/3 max/0/wrong/3 cnt/0/wrong/1
  expect FAIL 'Result verification failed for ConsumerRecord\(topic = min' "7 as the minimum of 3"
}

# What died with an open transaction is not there: neither its outputs nor the offsets of their inputs.
death_in_a_transaction() {
  say "3. death in a transaction, under the published generator"
  start_afresh
  start_instance 1
  start_instance 2
  await_running 1
  await_running 2
  start_generator kafka_eos_test 256m "$EOS/eos.properties" run
  sleep "$PUBLISHED_S"
  kill_instances 1 2
  local open written processed
  open=$(eos_tool open)
  stop_generator
  expect PASS '' "death in a transaction"
  written=$(count_of data)
  processed=$(count_of echo)
  check "a transaction was open, and others before it had ended well" "$((open > 0 && processed > 0))" 1
  SUMMARY+=("             $processed of $written records processed, $open transactions open, $RETRIES waits for them; $(app_usage)")
}

# expect VERDICT REASON NAME: the verifier must say it, a failure for that reason.
expect() {
  verify
  if [[ $VERDICT == "$1" && $REASON =~ $2 ]]; then
    note right "$VERDICT" "$3"
  else
    note WRONG "$VERDICT" "$3, expected $1: $REASON"
    keep_logs
  fi
}

# check NAME FOUND EXPECTED
check() {
  if [[ $2 == "$3" ]]; then note right yes "$1"; else note WRONG no "$1: found $2"; fi
}

note() {
  local line
  line=$(printf '   %-5s %-4s %s' "$@")
  [[ $1 == right ]] || WRONG=$((WRONG + 1))
  say "$line"
  SUMMARY+=("$line")
}

main
