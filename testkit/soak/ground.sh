# The soak's ground: a cluster, two instances of the application, load, samples of their memory, the judge.
# Sourced, never run; the script that does chooses the faults and calls clean_soak at its end.
# Environment: CARGO_TARGET_DIR, COMANDA_INSTANCE, COMANDA_KAFKA_PORT, KEYS, RATE (records a second, or 70%: of the
# capacity that shows with the first of each key), THREADS, SOAK_PROGRAM (one that is built).

VERIFIERS_BROKER=cluster # not the verifiers' to start
for part in ground instances verdicts; do source "$(dirname "${BASH_SOURCE[0]}")/../verifiers/$part.sh"; done
source "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

RUN=$INSTANCE_DIR/soak
KEPT=$COMANDA_HOME/$COMANDA_INSTANCE
# What is left behind when faults follow each other at most of the capacity.
DRAIN_LIMIT_S=1800
SAMPLE_S=3
# Memory is reported as the largest of so many seconds.
MEMORY_SPAN_S=300

SAMPLER=

start_soak() {
  if [[ -z ${SOAK_PROGRAM:-} ]]; then
    cargo build -q --manifest-path "$SOAK/Cargo.toml"
    SOAK_PROGRAM=$CARGO_TARGET_DIR/debug/comanda-soak
  fi
  PROGRAM=("$SOAK_PROGRAM" run)
  MODE=${THREADS:-1}
  clean_soak
  mkdir -p "$RUN"
  : >"$RUN/faults"
  start_cluster
  BOOTSTRAP=$(addresses proxy_port)
  "$SOAK_PROGRAM" create "$(addresses port)"
  start_instance 1
  start_instance 2
  sample_memory &
  SAMPLER=$!
  await_running 1
  await_running 2
  in_background load within_run "$SOAK_PROGRAM" load "$(addresses port)" "$KEYS" "$RATE"
  until grep -sq LOADED "$RUN/load.out"; do
    require_load
    sleep 1
  done
  local loaded
  loaded=$(sed -n 's/^LOADED //p' "$RUN/load.out")
  say "   load: $loaded"
  figure "load: $loaded"
}

clean_soak() {
  end_instances
  end_background
  [[ -z $SAMPLER ]] || kill "$SAMPLER" 2>/dev/null || true
  end_cluster >/dev/null
  rm -rf "${RUN:?}"
  rmdir --ignore-fail-on-non-empty "$INSTANCE_DIR" 2>/dev/null || true
}

# For the reader of a run that went wrong, in place of the verifiers' own: the rest is deleted.
keep_logs() {
  local node
  mkdir -p "$KEPT"
  cp "$RUN"/*.err "$RUN"/*.out "$RUN/faults" "$RUN/memory" "$KEPT/" 2>/dev/null || true
  for node in "${NODES[@]}"; do cp "$INSTANCE_DIR-$node/kafka/log" "$KEPT/broker-$node.log"; done
}

require_load() {
  alive "$BACKGROUND" || {
    keep_logs
    die "the load ended by itself: $(tail -1 "$RUN/load.err")"
  }
}

# Lines of SECOND STATE_DIR RSS_KB, of all instances that live.
sample_memory() {
  local pid kb arguments
  while sleep "$SAMPLE_S"; do
    ps --ppid $$ -o rss=,args= | while read -r kb arguments; do
      [[ $arguments != *" run "* ]] || printf '%s %s %s\n' "$SECONDS" "$(grep -o 'state-[0-9]*' <<<"$arguments")" "$kb"
    done >>"$RUN/memory"
  done
}

# The largest of each span, and of all.
memory_mb() {
  awk -v span="$MEMORY_SPAN_S" '
    { at = int($1 / span); if ($3 > most[at]) most[at] = $3; if (at > last) last = at; if ($3 > all) all = $3 }
    END { for (at = 0; at <= last; at++) printf "%d ", most[at] / 1024; printf "(largest %d)", all / 1024 }' "$RUN/memory"
}

largest_memory_mb() { awk '$3 > all { all = $3 } END { printf "%d", all / 1024 }' "$RUN/memory"; }

# fault KIND DETAIL: notes that it begins.
fault() {
  require_load
  require_alive 1
  require_alive 2
  printf '%s %s\n' "$(date +%s%3N)" "$*" >>"$RUN/faults"
  say "   $(date +%T) $*"
}

# bounce NODE kill|stop: a broker ends and comes back; done when it has all of its replicas again.
bounce() {
  broker "$1" "$2" >/dev/null
  sleep "$DOWN_S"
  broker "$1" start >/dev/null
  await_in_sync
}

# Ends the load, waits until all is processed, ends the instances in good order, and judges.
conclude_soak() {
  require_load
  kill -TERM "$BACKGROUND"
  wait "$BACKGROUND" || die "the load failed: $(tail -1 "$RUN/load.err")"
  BACKGROUND=
  local sent
  sent=$(sed -n 's/ records$//p' "$RUN/load.out")
  "$SOAK_PROGRAM" drained "$(addresses port)" "$DRAIN_LIMIT_S" || {
    keep_logs
    die "not all is processed; see $KEPT/instance-*.err"
  }
  stop_instance 1
  stop_instance 2
  VERDICT=FAIL
  "$SOAK_PROGRAM" judge "$(addresses port)" "$sent" "$RUN/faults" >"$RUN/judge.out" 2>"$RUN/judge.err" || true
  ! grep -q '^EXACTLY-ONCE$' "$RUN/judge.out" || VERDICT=PASS
  REASON=$(sed -n '/^WRONG\|^Error/p' "$RUN/judge.out" "$RUN/judge.err" | head -5 | paste -sd';')
  must_be PASS '' "outputs and state equal a recomputation; no last stable offset behind its log's end"
  check "Kafka's own tool finds no hanging transaction" "$(hanging_transactions)" ""
  while read -r line; do figure "$line"; done < <(sed '/^EXACTLY-ONCE\|^WRONG/d' "$RUN/judge.out")
  figure "$(app_usage) of both instances; RSS, largest of each $((MEMORY_SPAN_S / 60)) minutes: $(memory_mb) MB"
}
