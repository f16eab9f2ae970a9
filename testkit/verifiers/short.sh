#!/usr/bin/env bash
# One kill under each of Apache Kafka's verifiers, for `make test`: short.sh eos|smoke. The long form is
# testkit/prove/verifiers.sh.
# Environment: VERIFIERS_BROKER (a fresh one), COMANDA_INSTANCE, EOS_PROGRAM or SMOKE_PROGRAM.
set -euo pipefail
FOLDER=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for part in ground instances verdicts eos smoke; do source "$FOLDER/$part.sh"; done

# Long enough for commits before and after the kill.
BEFORE_S=4

short_eos() {
  start_eos_afresh
  start_both
  start_load 5000 200 400
  kill_one
  stop_load
  drain_and_stop
  eos_verdict PASS '' "EosTest, one kill"
  check "every topic holds $(records_written) records" "$(count_of_all)" "$(records_written)"
}

short_smoke() {
  start_smoke_afresh exactly_once_v2
  start_both
  start_driver 20 100 20
  kill_one
  smoke_verdict PASS '' "SmokeTest, one kill"
  stop_instance 1
  stop_instance 2
}

start_both() {
  start_instance 1
  start_instance 2
  await_running 1
  await_running 2
}

kill_one() {
  sleep "$BEFORE_S"
  replace kill_instances 1
}

trap clean EXIT
case ${1:-} in
  eos | smoke) "short_$1" ;;
  *) die "usage: short.sh eos|smoke" ;;
esac
conclude
