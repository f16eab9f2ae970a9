#!/usr/bin/env bash
# ClickHouse (HTTP and native ports) on loopback: clickhouse.sh start|stop|kill|restart|reset|status.
# Environment: COMANDA_HOME, COMANDA_INSTANCE, COMANDA_CLICKHOUSE_HTTP_PORT, COMANDA_CLICKHOUSE_TCP_PORT.
set -euo pipefail
FOLDER=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$FOLDER/ground.sh"

START_LIMIT_S=60
STOP_LIMIT_S=30
ADDRESS=http://127.0.0.1:$CLICKHOUSE_HTTP_PORT

check_ground() {
  require_disk
  require_free_port "$CLICKHOUSE_HTTP_PORT" clickhouse COMANDA_CLICKHOUSE_HTTP_PORT
  require_free_port "$CLICKHOUSE_TCP_PORT" clickhouse COMANDA_CLICKHOUSE_TCP_PORT
}

start_server() {
  configure
  launch "$ADDRESS" "$VENV/bin/python" "$FOLDER/clickhouse/server.py" "$SERVER_DIR/data"
  await $START_LIMIT_S answers
}

# ClickHouse reads config.xml, and the users it names, from its working directory.
configure() {
  mkdir -p "$SERVER_DIR"
  sed -e "s|@HTTP_PORT@|$CLICKHOUSE_HTTP_PORT|" -e "s|@TCP_PORT@|$CLICKHOUSE_TCP_PORT|" \
    "$FOLDER/clickhouse/config.xml" >"$SERVER_DIR/config.xml"
  cp "$FOLDER/clickhouse/users.xml" "$SERVER_DIR/users.xml"
}

answers() {
  curl -sf -o /dev/null --max-time 2 "$ADDRESS/ping" && (: <"/dev/tcp/127.0.0.1/$CLICKHOUSE_TCP_PORT")
}

[[ -x $VENV/bin/python ]] || die "the local servers are not installed: run deploy/local/setup.sh"
enter clickhouse
dispatch "$@"
