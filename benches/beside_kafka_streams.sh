#!/usr/bin/env bash
# Kafka Streams and Comanda Streams in turn on one broker: builds both, starts a broker of its own, prints the table.
# Fails if their outputs differ. Arguments go to `comanda-bench beside`: workloads, --records N, --runs N.
# Environment: COMANDA_HOME, CARGO_TARGET_DIR, BENCH_KAFKA_PORT.
set -euo pipefail
FOLDER=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export COMANDA_INSTANCE=bench COMANDA_KAFKA_PORT=${BENCH_KAFKA_PORT:-39092}
source "$FOLDER/../deploy/local/ground.sh"

KAFKA=$FOLDER/../deploy/local/kafka.sh
PEER=$COMANDA_HOME/kafka-streams-peer
STATE=$INSTANCE_DIR/state

main() {
  find_java
  build_peer
  cargo build -q --manifest-path "$FOLDER/../Cargo.toml" -p comanda-bench
  trap clean EXIT
  clean
  "$KAFKA" start
  "$CARGO_TARGET_DIR/debug/comanda-bench" beside --bootstrap "127.0.0.1:$COMANDA_KAFKA_PORT" --state "$STATE" \
    --java "$JAVA" --peer-classpath "$PEER/classes:$PEER/libs/*" "$@"
}

build_peer() {
  say "building the peer …"
  mvn -q -B -Dstyle.color=never -f "$FOLDER/peers/kafka-streams/pom.xml" "-Dpeer.build=$PEER" \
    compile dependency:copy-dependencies -DincludeScope=runtime "-DoutputDirectory=$PEER/libs"
}

# Topics of an earlier call would be read as this one's.
clean() {
  "$KAFKA" reset
  rm -rf "${STATE:?}"
}

main "$@"
