# Apache Kafka's SmokeTest around our engine. Sourced after ground.sh and instances.sh, never run.
# Environment: SMOKE_PROGRAM, another program under test (BOOTSTRAP STATE_DIR GUARANTEE), for a check of the test itself.

SMOKE_LIBS=$KAFKA_TESTS-$SMOKE_TEST_VERSION
SMOKE_TOPICS=(data echo max min min-suppressed min-raw dif sum sws-raw sws-suppressed cnt avg tagg fk)

# start_smoke_afresh exactly_once_v2|at_least_once
start_smoke_afresh() {
  program comanda-smoke-test "${SMOKE_PROGRAM:-}"
  MODE=$1
  start_afresh
  compile_tool SmokeTool "$SMOKE_LIBS"
  smoke_tool create "${SMOKE_TOPICS[@]}"
}

smoke_tool() { (java_with 256m "$SMOKE_LIBS" -XX:TieredStopAtLevel=1 SmokeTool "$BOOTSTRAP" "$@"); }

# start_driver KEYS RECORDS_PER_KEY SECONDS: Kafka's own driver generates for so long, then verifies. Instances must run.
start_driver() {
  DRIVEN=$(($1 * $2))
  await_one_day $(($3 + VERIFY_LIMIT_S))
  in_background driver java_with "$VERIFIER_HEAP" "$SMOKE_LIBS" SmokeTool "$BOOTSTRAP" drive "$@" "$MODE"
}

# The driver waits so long for results that do not come.
VERIFY_LIMIT_S=400

# await_one_day SECONDS: windows of a day are judged as one, so that a run must not see midnight (UTC).
await_one_day() {
  local left_s=$((86400 - $(date +%s) % 86400))
  ((left_s > $1)) || {
    say "   waiting $left_s s for midnight (UTC) to pass"
    sleep $((left_s + 1))
  }
}

# How many records the driver has produced.
produced() {
  local last
  last=$(sed -n 's/.* \([0-9]*\) records produced$/\1/p' "$RUN/driver.out" | tail -1)
  printf '%s' "${last:-0}"
}

# What is done to the instances must come upon records under way.
require_generating() {
  alive "$BACKGROUND" && (($(produced) < DRIVEN)) || {
    keep_logs
    die "the driver does not generate any more ($(produced) of $DRIVEN): its SECONDS are too few for this plan"
  }
}

# smoke_verdict VERDICT REASON NAME: waits for the driver. Success is a line, never the exit code. Under exactly-once
# nothing may be echoed twice either; the driver says so and lets it pass.
smoke_verdict() {
  local status=0
  wait "$BACKGROUND" || status=$?
  BACKGROUND=
  if ! grep -q '^SUCCESS$' "$RUN/driver.out"; then
    VERDICT=FAIL
    REASON=$(complaints)
    REASON=${REASON:-no reason, exit $status}
  elif [[ $MODE == exactly_once_v2 ]] && grep -q '^PROCESSED-MORE-THAN-GENERATED' "$RUN/driver.out"; then
    VERDICT=FAIL REASON=PROCESSED-MORE-THAN-GENERATED
  else
    VERDICT=PASS REASON=
  fi
  must_be "$@"
}

# What the driver says of each result that is wrong, once and without the records; or why it did not judge at all.
complaints() {
  local heads='s/^[[:space:]]*\(fail: [^[]*\).*/\1/p; s/^.*\(Transaction verification failed.*\|[A-Za-z]*Exception: .*\)/\1/p'
  sed -n "$heads" "$RUN/driver.out" "$RUN/driver.err" | sort -u | cut -c1-80 | paste -sd';' | cut -c1-300
}
