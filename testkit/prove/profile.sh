#!/usr/bin/env bash
# Where our processor time goes: records w2 and w2c under load with perf, draws flame graphs into docs/profiles
# Environment: as of benches/ground.sh, RECORDS (a million), WORKLOADS. Needs perf (Debian's linux-perf).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../benches/ground.sh"

RECORDS=${RECORDS:-1000000}
WORKLOADS=${WORKLOADS:-w2 w2c}
DRAWN=$BENCHES/../docs/profiles
INPUT=w2-in

main() {
  command -v perf >/dev/null || die "perf is not installed: apt-get install linux-perf"
  begin
  "$JAVA" -Xmx1g -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$PEER_CLASSES" comanda.peer.Main load w2 \
    "bootstrap=$BROKER" "topic=$INPUT" "records=$RECORDS" partitions=4
  mkdir -p "$DRAWN"
  local workload
  for workload in $WORKLOADS; do profile "$workload"; done
}

# By the processor's clock, since virtual machines have no cycle counter; call chains from unwind tables, since nothing
# here is built with frame pointers.
profile() {
  local data=$INSTANCE_DIR/$1.perf
  "$KAFKA" tool org.apache.kafka.tools.TopicCommand --bootstrap-server "$BROKER" --create --topic "$1-out" \
    --partitions 4 >/dev/null
  perf record -q -e cpu-clock -F 499 --call-graph dwarf,16384 -o "$data" -- \
    "$OURS" run "$1" --bootstrap "$BROKER" --id "profile-$1" --input "$INPUT" --output "$1-out" \
    --state "$STATE/$1" --records "$RECORDS" --commit-ms 100
  perf script -i "$data" --no-inline -F comm,ip,sym,dso 2>/dev/null |
    python3 "$BENCHES/flame.py" "$1: $RECORDS records, $(git -C "$BENCHES" rev-parse --short HEAD)" "$DRAWN/$1.svg"
  rm -f "$data"
}

main "$@"
