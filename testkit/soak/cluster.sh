# Three brokers, each its own instance of deploy/local/kafka.sh, and before each a proxy for the application.
# Sourced after ground.sh of deploy/local, never run.
# Environment: COMANDA_INSTANCE, COMANDA_KAFKA_PORT (ten ports from there on for each broker, below those that
# the system gives to clients).

SOAK=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
KAFKA=$SOAK/../../deploy/local/kafka.sh
NODES=(1 2 3)
CLUSTER_ID=Ck9tYW5kYS1wcm9vZnMtMw
IN_SYNC_LIMIT_S=120

declare -A PROXIES=()

# Brokers talk to each other, to the load and to the judge on PLAINTEXT; the application knows only the proxies.
port() { echo $((KAFKA_PORT + 10 * ($1 - 1))); }
controller_port() { echo $(($(port "$1") + 1)); }
client_port() { echo $(($(port "$1") + 2)); }
proxy_port() { echo $(($(port "$1") + 3)); }

# addresses PORT_FUNCTION: of all brokers.
addresses() {
  local node found=()
  for node in "${NODES[@]}"; do found+=("127.0.0.1:$("$1" "$node")"); done
  (IFS=,; echo "${found[*]}")
}

# broker NODE VERB
broker() {
  COMANDA_INSTANCE=$COMANDA_INSTANCE-$1 COMANDA_KAFKA_PORT=$(port "$1") COMANDA_KAFKA_CONTROLLER_PORT=$(controller_port "$1") \
    COMANDA_KAFKA_CLUSTER_ID=$CLUSTER_ID "$KAFKA" "$2"
}

# brokers VERB: of all at once: none answers alone.
brokers() {
  local node job jobs=() failed=0
  for node in "${NODES[@]}"; do
    broker "$node" "$1" &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do wait "$job" || failed=1; done
  return $failed
}

start_cluster() {
  local node
  for node in "${NODES[@]}"; do write_properties "$node"; done
  brokers start
  for node in "${NODES[@]}"; do
    within_run "$SOAK_PROGRAM" proxy "127.0.0.1:$(proxy_port "$node")" "127.0.0.1:$(client_port "$node")" &
    PROXIES[$node]=$!
  done
}

# What a broker of a cluster has beyond deploy/local/kafka/server.properties: of two lines the later one counts.
write_properties() {
  local node voters=()
  for node in "${NODES[@]}"; do voters+=("$node@127.0.0.1:$(controller_port "$node")"); done
  mkdir -p "$INSTANCE_DIR-$1"
  sed -e "s|@NODE@|$1|g" -e "s|@CLIENT_PORT@|$(client_port "$1")|g" -e "s|@PROXY_PORT@|$(proxy_port "$1")|g" \
    -e "s|@VOTERS@|$(IFS=,; echo "${voters[*]}")|g" "$SOAK/broker.properties" >"$INSTANCE_DIR-$1/kafka.properties"
}

end_cluster() {
  local node
  # A stopped process dies of KILL too.
  for node in "${!PROXIES[@]}"; do
    kill -KILL "${PROXIES[$node]}" 2>/dev/null || true
    wait "${PROXIES[$node]}" 2>/dev/null || true
  done
  PROXIES=()
  brokers kill
  brokers reset
  for node in "${NODES[@]}"; do rm -rf "${INSTANCE_DIR:?}-$node"; done
}

# Until every partition has all of its replicas in sync: the next broker may go.
await_in_sync() {
  local began=$SECONDS
  until python3 "$SOAK/in_sync.py" "$(port 1)" "${#NODES[@]}"; do
    ((SECONDS - began < IN_SYNC_LIMIT_S)) || die "the brokers are not in sync after $IN_SYNC_LIMIT_S s"
    sleep 1
  done
}

# Transactions that Kafka's own tool takes for hanging, if any.
hanging_transactions() {
  local node
  for node in "${NODES[@]}"; do
    "$KAFKA" tool org.apache.kafka.tools.TransactionsCommand --bootstrap-server "127.0.0.1:$(port 1)" \
      find-hanging --broker-id "$node" | grep -v '^Topic' || true
  done
}
