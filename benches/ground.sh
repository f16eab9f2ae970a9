# Shared by the scripts here: a broker of the bench's own, and both engines built. Sourced, never run.
# Environment: COMANDA_HOME, CARGO_TARGET_DIR, BENCH_KAFKA_PORT.

BENCHES=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export COMANDA_INSTANCE=bench COMANDA_KAFKA_PORT=${BENCH_KAFKA_PORT:-39092}
source "$BENCHES/../deploy/local/ground.sh"

BROKER=127.0.0.1:$COMANDA_KAFKA_PORT
KAFKA=$BENCHES/../deploy/local/kafka.sh
PEER=$COMANDA_HOME/kafka-streams-peer
PEER_CLASSES=$PEER/classes:$PEER/libs/*
OURS=$CARGO_TARGET_DIR/debug/comanda-bench
STATE=$INSTANCE_DIR/state

# Builds both engines and starts a broker without topics: those of an earlier call would be read as this one's.
begin() {
  find_java
  say "building the peer …"
  mvn -q -B -Dstyle.color=never -f "$BENCHES/peers/kafka-streams/pom.xml" "-Dpeer.build=$PEER" \
    compile dependency:copy-dependencies -DincludeScope=runtime "-DoutputDirectory=$PEER/libs"
  cargo build -q --manifest-path "$BENCHES/../Cargo.toml" -p comanda-bench
  trap clean EXIT
  clean
  "$KAFKA" start
}

clean() {
  "$KAFKA" reset
  rm -rf "${STATE:?}"
}
