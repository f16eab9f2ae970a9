# Apache Kafka's EosTest around our engine. Sourced after ground.sh and instances.sh, never run.
# Environment: EOS_PROGRAM, another program under test (BOOTSTRAP STATE_DIR complex), for a check of the test itself.

EOS_LIBS=$KAFKA_TESTS-$EOS_TEST_VERSION
EOS_TOPICS=(data echo min sum repartition max cnt)
DRAIN_LIMIT_S=300

# Topics and the program, before anything runs.
start_eos_afresh() {
  program comanda-eos-test "${EOS_PROGRAM:-}"
  MODE=complex
  start_afresh
  compile_tool EosTool "$EOS_LIBS"
  printf 'bootstrap.servers=%s\n' "$BOOTSTRAP" >"$RUN/eos.properties"
  eos_tool create "${EOS_TOPICS[@]}"
}

eos_tool() { (java_with 512m "$EOS_LIBS" -XX:TieredStopAtLevel=1 EosTool "$BOOTSTRAP" "$@"); }

# kafka_eos_test HEAP run|verify-complex: Kafka's own generator and verifier.
kafka_eos_test() { java_with "$1" "$EOS_LIBS" org.apache.kafka.streams.tests.StreamsEosTest "$RUN/eos.properties" "$2"; }

# start_load RECORDS KEYS PER_SECOND: at least so many, then until stop_load.
start_load() { in_background generator java_with 256m "$EOS_LIBS" EosTool "$BOOTSTRAP" generate "$@"; }

# A generator that writes ends when it is told to, and not before.
stop_load() {
  alive "$BACKGROUND" || die "the generator ended by itself: $(tail -1 "$RUN/generator.err")"
  kill -TERM "$BACKGROUND"
  wait "$BACKGROUND" || true
  BACKGROUND=
}

# Until all is processed; then both instances stop. Who commits the last record read, not the place behind it, leaves one
# commit marker in each partition of `repartition`.
drain_and_stop() {
  local lags
  lags=$(eos_tool drained "$DRAIN_LIMIT_S" data:0 repartition:5) || {
    keep_logs
    die "lag: $lags; see $KEPT/instance-*.err"
  }
  say "   lag: $lags"
  stop_instance 1
  stop_instance 2
}

count_of() { eos_tool count "$1" | cut -d' ' -f2; }

# How many records each topic holds, if all hold the same.
count_of_all() { eos_tool count "${EOS_TOPICS[@]}" | cut -d' ' -f2 | sort -u | paste -sd' '; }

records_written() { sed -n 's/ records$//p' "$RUN/generator.out"; }

# eos_verdict VERDICT REASON NAME: sets RETRIES to the verifier's waits for open transactions. Success is a line, never the
# exit code.
eos_verdict() {
  local status=0
  (kafka_eos_test "$VERIFIER_HEAP" verify-complex) >"$RUN/verify.out" 2>"$RUN/verify.err" || status=$?
  RETRIES=$(grep -c '^Retry' "$RUN/verify.out" || true)
  if grep -q '^ALL-RECORDS-DELIVERED$' "$RUN/verify.out"; then
    VERDICT=PASS REASON=
  else
    VERDICT=FAIL
    REASON=$(awk '/Exception/ && !/ WARN / { print substr($0, 1, 200); exit }' "$RUN/verify.err" "$RUN/verify.out")
    REASON=${REASON:-no reason, exit $status}
  fi
  must_be "$@"
}
