# Kafka's system-test programs and our own tool beside them: fetched and compiled once under COMANDA_HOME, and run.
# Sourced after deploy/local/ground.sh, never run.

VERIFIERS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
VERIFIERS_HOME=$COMANDA_HOME/verifiers
BOOTSTRAP=127.0.0.1:$KAFKA_PORT
# `verify` holds all records in memory: half a million take 2 GB.
VERIFIER_HEAP=${VERIFIER_HEAP:-1g}

build_verifiers() {
  find_java
  mkdir -p "$VERIFIERS_HOME"
  once_for "$VERIFIERS/pom.xml" fetch_kafka_tests
  once_for "$VERIFIERS/EosTool.java" compile_tool
}

# once_for FILE COMMAND: unless it succeeded before for this very file.
once_for() {
  local stamp=$VERIFIERS_HOME/$2.stamp key
  key=$(sha256sum "$1" | cut -d' ' -f1)
  [[ $(cat "$stamp" 2>/dev/null) == "$key" ]] && return
  "$2" || die "$2 failed: see the lines above"
  printf '%s\n' "$key" >"$stamp"
}

fetch_kafka_tests() {
  say "fetching Kafka's system-test programs …"
  rm -rf "${VERIFIERS_HOME:?}/libs"
  mvn -q -B -Dstyle.color=never -f "$VERIFIERS/pom.xml" \
    dependency:copy-dependencies -DincludeScope=runtime "-DoutputDirectory=$VERIFIERS_HOME/libs"
}

compile_tool() {
  javac --release 17 -Xlint:all -cp "$VERIFIERS_HOME/libs/*" -d "$VERIFIERS_HOME/classes" "$VERIFIERS/EosTool.java"
}

# java_with HEAP ARGUMENTS…: becomes Java; kill it by the pid of the subshell.
java_with() {
  exec "$JAVA" "-Xmx$1" -XX:+UseSerialGC "-Dlog4j2.configurationFile=$VERIFIERS/log4j2.properties" \
    -cp "$VERIFIERS_HOME/classes:$VERIFIERS_HOME/libs/*" "${@:2}"
}

eos_tool() { (java_with 512m -XX:TieredStopAtLevel=1 EosTool "$BOOTSTRAP" "$@"); }

# kafka_eos_test HEAP PROPERTIES run|verify-complex: Kafka's own generator and verifier.
kafka_eos_test() { java_with "$1" org.apache.kafka.streams.tests.StreamsEosTest "${@:2}"; }
