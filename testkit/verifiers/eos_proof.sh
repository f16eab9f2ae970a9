# EosTest's plan: kills under load, falsified records, death in a transaction. It judges exactly-once only.
# Sourced after eos.sh and verdicts.sh, never run.

# At least so many, and for as long as instances are killed.
RECORDS=60000
KEYS=1000
RECORDS_PER_S=1500
# The published generator writes about 150 records a second.
PUBLISHED_S=20

prove_eos() {
  eos_kills_under_load
  eos_falsified_records
  eos_death_in_a_transaction
}

eos_kills_under_load() {
  say "EosTest 1. kills under load: $ROUNDS kills and one stop of one of two instances"
  start_eos_afresh
  start_instance 1
  await_running 1
  start_load "$RECORDS" "$KEYS" "$RECORDS_PER_S"
  start_instance 2
  await_running 2
  sleep "$ROUND_S"
  local number
  for ((number = 1; number <= ROUNDS; number++)); do round replace kill_instances $((number % 2 + 1)); done
  round replace stop_instance $((number % 2 + 1))
  stop_load
  drain_and_stop
  report_load
}

# The verifier judges the values of what was processed; whether all of it was, it does not ask.
report_load() {
  local written outages
  written=$(records_written)
  outages=$(eos_tool outages echo "${KILLED_AT_MS[@]}" | paste -sd' ')
  eos_verdict PASS '' "EosTest, kills under load"
  check "every topic holds $written records" "$(count_of_all)" "$written"
  figure "$written records, $ROUNDS kills, 1 stop; seconds from each kill until all partitions were written to again: $outages"
  figure "$(app_usage)"
}

# The same topics, one falsehood after the other: before each the verifier is content.
eos_falsified_records() {
  say "EosTest 2. falsified records"
  eos_tool write data/0/lost/7
  eos_verdict FAIL 'expected [0-9]+ records for (min|sum)-0 but received' "input without output"
  eos_tool write echo/0/lost/7 min/0/lost/7 sum/0/lost/7 repartition/0/lost/7
  eos_verdict FAIL 'expected [0-9]+ records for (max|cnt)-0 but received' "repartitioned input without output"
  eos_tool write max/0/lost/7 cnt/0/lost/1
  eos_verdict PASS '' "both written by hand"
  eos_tool write echo/1/doubled/1
  eos_verdict FAIL NoSuchElementException "an output twice"
  eos_tool write data/1/doubled/1 min/1/doubled/1 sum/1/doubled/1 repartition/1/doubled/1 max/1/doubled/1 cnt/1/doubled/1
  eos_verdict PASS '' "an input of its own for it"
  eos_tool write data/0/wrong/3 echo/0/wrong/3 min/0/wrong/7 sum/0/wrong/3 repartition/0/wrong/3 max/0/wrong/3 cnt/0/wrong/1
  eos_verdict FAIL 'Result verification failed for ConsumerRecord\(topic = min' "7 as the minimum of 3"
}

# What died with an open transaction is not there: neither its outputs nor the offsets of their inputs.
eos_death_in_a_transaction() {
  say "EosTest 3. death in a transaction, under the published generator"
  start_eos_afresh
  start_instance 1
  start_instance 2
  await_running 1
  await_running 2
  in_background generator kafka_eos_test 256m run
  sleep "$PUBLISHED_S"
  kill_instances 1 2
  local open written processed
  open=$(eos_tool open)
  stop_load
  eos_verdict PASS '' "EosTest, death in a transaction"
  written=$(count_of data)
  processed=$(count_of echo)
  check "a transaction was open, and others before it had ended well" "$((open > 0 && processed > 0))" 1
  figure "$processed of $written records processed, $open transactions open, $RETRIES waits for them; $(app_usage)"
}
