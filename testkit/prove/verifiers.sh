#!/usr/bin/env bash
# Kafka's own EosTest and SmokeTest judge our engine: kill -9 under load, planted faults, death in a transaction; ROUNDS=1 is short
# Environment: COMANDA_HOME, CARGO_TARGET_DIR, VERIFIERS_KAFKA_PORT, ROUNDS (kills under load), ONLY (eos or smoke),
# EOS_PROGRAM, SMOKE_PROGRAM.
set -euo pipefail
FOLDER=$(cd "$(dirname "${BASH_SOURCE[0]}")/../verifiers" && pwd)
export COMANDA_INSTANCE=verifiers COMANDA_KAFKA_PORT=${VERIFIERS_KAFKA_PORT:-39092}
for part in ground instances verdicts eos eos_proof smoke smoke_proof; do source "$FOLDER/$part.sh"; done

ROUNDS=${ROUNDS:-3}

trap clean EXIT
for verifier in ${ONLY:-eos smoke}; do "prove_$verifier"; done
conclude
