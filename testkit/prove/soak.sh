#!/usr/bin/env bash
# Half an hour on three brokers, a fault every 20 s drawn from a seed, 1 GB of state; MINUTES=5 KEYS=100000 is a short one
# Environment: COMANDA_HOME, CARGO_TARGET_DIR, SOAK_KAFKA_PORT, MINUTES, SEED, KEYS (of 1 KB), RATE, MEMORY_MB.
set -euo pipefail
export COMANDA_INSTANCE=soak COMANDA_KAFKA_PORT=${SOAK_KAFKA_PORT:-31092}
KEYS=${KEYS:-1000000} RATE=${RATE:-70%}
source "$(dirname "${BASH_SOURCE[0]}")/../soak/ground.sh"

MINUTES=${MINUTES:-30}
SEED=${SEED:-$(date +%s)}
# What an instance may take, whatever happens.
MEMORY_MB=${MEMORY_MB:-256}
FAULT_EVERY_S=20
# Longer than a session.
FREEZE_S=9
LONGEST_CUT_S=12
KINDS=(kill freeze broker network)

# pick COUNT: sets PICK to one of 0 … COUNT - 1; never in a subshell, whose draws would be lost.
pick() { PICK=$((RANDOM % $1)); }

one_fault() {
  local kind target seconds
  pick ${#KINDS[@]}
  kind=${KINDS[$PICK]}
  pick 2
  target=$((PICK + 1))
  case $kind in
    kill)
      fault kill "instance $target"
      replace kill_instances "$target" >/dev/null
      ;;
    freeze)
      fault freeze "instance $target for $FREEZE_S s"
      suspend "$FREEZE_S" "${INSTANCES[$target]}"
      ;;
    broker) broker_fault ;;
    network) network_fault ;;
  esac
}

broker_fault() {
  local node verbs=(kill stop)
  pick ${#NODES[@]}
  node=${NODES[$PICK]}
  pick 2
  fault "broker-${verbs[$PICK]}" "broker $node"
  bounce "$node" "${verbs[$PICK]}"
}

# The way to one broker, or to all, stands still and then goes on, no connection closed.
network_fault() {
  local which seconds
  pick $((LONGEST_CUT_S - 1))
  seconds=$((PICK + 2))
  pick $((${#NODES[@]} + 1))
  which=$PICK
  if ((which == 0)); then
    fault network-all "to all brokers for $seconds s"
    suspend "$seconds" "${PROXIES[@]}"
  else
    fault network-one "to broker $which for $seconds s"
    suspend "$seconds" "${PROXIES[$which]}"
  fi
}

# suspend SECONDS PID…
suspend() {
  kill -STOP "${@:2}"
  sleep "$1"
  kill -CONT "${@:2}"
}

trap clean_soak EXIT
RANDOM=$((SEED % 32768))
say "Soak: $MINUTES minutes, SEED=$SEED"
start_soak
UNTIL=$((SECONDS + 60 * MINUTES))
ROUND_S=$FAULT_EVERY_S
while ((SECONDS < UNTIL)); do round one_fault; done
conclude_soak
check "an instance never takes more than $MEMORY_MB MB" "$(($(largest_memory_mb) <= MEMORY_MB))" 1
figure "seed $SEED, $(wc -l <"$RUN/faults") faults in $MINUTES minutes"
conclude
