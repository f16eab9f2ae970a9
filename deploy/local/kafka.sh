#!/usr/bin/env bash
# Apache Kafka (KRaft, one node) on loopback: kafka.sh start|stop|kill|restart|reset|status, and
# kafka.sh tool CLASS ARGUMENTS… for Kafka's own command-line tools.
# Environment: COMANDA_HOME, COMANDA_INSTANCE, COMANDA_KAFKA_PORT, COMANDA_KAFKA_CONTROLLER_PORT, COMANDA_KAFKA_CLUSTER_ID
# (one for all brokers of a cluster; else made up).
set -euo pipefail
FOLDER=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$FOLDER/ground.sh"

START_LIMIT_S=60
STOP_LIMIT_S=20
ADDRESS=127.0.0.1:$KAFKA_PORT

check_ground() {
  require_disk
  require_free_port "$KAFKA_PORT" kafka COMANDA_KAFKA_PORT
  require_free_port "$KAFKA_CONTROLLER_PORT" kafka COMANDA_KAFKA_CONTROLLER_PORT
}

start_server() {
  configure
  format_once
  launch "$ADDRESS" "$JAVA" -Xms128m -Xmx512m -XX:+UseSerialGC "-Dlog4j2.configurationFile=$FOLDER/kafka/log4j2.properties" \
    -cp "$KAFKA_LIBS/*" kafka.Kafka "$SERVER_DIR/server.properties"
  await $START_LIMIT_S answers
}

configure() {
  mkdir -p "$SERVER_DIR"
  # Of two lines for one property the later one counts: an instance may have its own.
  local own=$INSTANCE_DIR/kafka.properties
  [[ -e $own ]] || own=
  sed -e "s|@PORT@|$KAFKA_PORT|g" -e "s|@CONTROLLER_PORT@|$KAFKA_CONTROLLER_PORT|g" -e "s|@DATA@|$SERVER_DIR/data|g" \
    "$FOLDER/kafka/server.properties" ${own:+"$own"} >"$SERVER_DIR/server.properties"
}

format_once() {
  local cluster_id=${COMANDA_KAFKA_CLUSTER_ID:-}
  [[ -e $SERVER_DIR/data/meta.properties ]] && return
  [[ -n $cluster_id ]] ||
    cluster_id=$(python3 -c 'import base64, uuid; print("C" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22])')
  "$JAVA" -XX:TieredStopAtLevel=1 "-Dlog4j2.configurationFile=$FOLDER/kafka/log4j2.properties" -cp "$KAFKA_LIBS/*" \
    kafka.tools.StorageTool format -t "$cluster_id" -c "$SERVER_DIR/server.properties" >>"$SERVER_DIR/log" 2>&1 ||
    give_up "could not format its data directory"
}

# A metadata request that is answered with a broker: the port opens a moment before the broker is registered.
answers() { python3 "$FOLDER/kafka/answers.py" "$KAFKA_PORT"; }

tool() {
  exec "$JAVA" -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "-Dlog4j2.configurationFile=$FOLDER/kafka/log4j2.properties" -cp "$KAFKA_LIBS/*" "$@"
}

find_java
if [[ ${1:-} == tool ]]; then tool "${@:2}"; fi
enter kafka
dispatch "$@"
