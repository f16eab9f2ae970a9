#!/usr/bin/env bash
# Three brokers, one after the other killed (-9) or stopped under load: nothing lost, doubled or left hanging; BOUNCES=5
# Environment: COMANDA_HOME, CARGO_TARGET_DIR, SOAK_KAFKA_PORT, BOUNCES, RATE.
set -euo pipefail
export COMANDA_INSTANCE=three-brokers COMANDA_KAFKA_PORT=${SOAK_KAFKA_PORT:-31092}
KEYS=10000 RATE=${RATE:-1000}
source "$(dirname "${BASH_SOURCE[0]}")/../soak/ground.sh"

BOUNCES=${BOUNCES:-5}
# From a broker's return to the next one's end.
REST_S=10
VERBS=(kill stop)

bounces() {
  local number node verb
  for ((number = 0; number < BOUNCES; number++)); do
    sleep "$REST_S"
    node=$((number % ${#NODES[@]} + 1))
    verb=${VERBS[number % 2]}
    fault "$verb" "broker $node"
    bounce "$node" "$verb"
  done
  sleep "$REST_S"
}

trap clean_soak EXIT
say "Three brokers: $BOUNCES bounces"
start_soak
bounces
conclude_soak
conclude
