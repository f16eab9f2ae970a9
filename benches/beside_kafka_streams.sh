#!/usr/bin/env bash
# Kafka Streams and Comanda Streams in turn on one broker: builds both, starts a broker of its own, prints the table.
# Fails if their outputs differ. Arguments go to `comanda-bench beside`: workloads, --records N, --runs N.
# Environment: as of ground.sh.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/ground.sh"

begin
"$OURS" beside --bootstrap "$BROKER" --state "$STATE" --java "$JAVA" --peer-classpath "$PEER_CLASSES" "$@"
