#!/usr/bin/env bash
# Apicurio, a schema registry that speaks Confluent's API, on loopback: registry.sh start|stop|kill|restart|reset|status.
# Base address for clients: http://127.0.0.1:PORT/apis/ccompat/v7. It keeps its schemas in an H2 file.
# Environment: COMANDA_HOME, COMANDA_INSTANCE, COMANDA_REGISTRY_PORT, COMANDA_REGISTRY_MANAGEMENT_PORT.
set -euo pipefail
FOLDER=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$FOLDER/ground.sh"

START_LIMIT_S=90
STOP_LIMIT_S=20
ADDRESS=http://127.0.0.1:$REGISTRY_PORT/apis/ccompat/v7

check_ground() {
  require_disk
  require_free_port "$REGISTRY_PORT" registry COMANDA_REGISTRY_PORT
  require_free_port "$REGISTRY_MANAGEMENT_PORT" registry COMANDA_REGISTRY_MANAGEMENT_PORT
}

start_server() {
  mkdir -p "$SERVER_DIR"
  settings
  launch "$ADDRESS" "$JAVA" -Xms64m -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
    -Djava.util.logging.manager=org.jboss.logmanager.LogManager -jar "$REGISTRY_APP/quarkus-run.jar"
  await $START_LIMIT_S answers
}

settings() {
  export QUARKUS_HTTP_HOST=127.0.0.1 QUARKUS_HTTP_PORT=$REGISTRY_PORT
  export QUARKUS_MANAGEMENT_HOST=127.0.0.1 QUARKUS_MANAGEMENT_PORT=$REGISTRY_MANAGEMENT_PORT
  export QUARKUS_HTTP_ACCESS_LOG_ENABLED=false QUARKUS_LOG_LEVEL=WARN
  # WRITE_DELAY=0: a schema that was acknowledged survives kill -9.
  export APICURIO_STORAGE_KIND=sql APICURIO_STORAGE_SQL_KIND=h2
  export APICURIO_DATASOURCE_URL="jdbc:h2:file:$SERVER_DIR/data/registry;WRITE_DELAY=0"
  export APICURIO_DATASOURCE_JDBC_INITIAL_SIZE=2 APICURIO_DATASOURCE_JDBC_MIN_SIZE=2 APICURIO_DATASOURCE_JDBC_MAX_SIZE=20
  # Apicurio's own default is NONE; the contract's rule holds for every subject that sets no other.
  export APICURIO_RULES_GLOBAL_COMPATIBILITY=FULL_TRANSITIVE
  export APICURIO_REST_DELETION_ARTIFACT_ENABLED=true APICURIO_REST_DELETION_ARTIFACT_VERSION_ENABLED=true
}

answers() { curl -sf -o /dev/null --max-time 2 "http://127.0.0.1:$REGISTRY_MANAGEMENT_PORT/health/ready"; }

find_java
enter registry
dispatch "$@"
