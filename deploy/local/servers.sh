#!/usr/bin/env bash
# Kafka, schema registry and ClickHouse together: servers.sh check|check-demo|up|down|kill|status|reset.
#   check   says what would keep them from starting, and starts nothing
#   check-demo [FILE]  says what would keep the demo from playing (that evening), before anything is deleted for it
#   up      starts what is not running, all three at once; repeating it changes nothing
#   down    stops what this instance started
#   reset   stops it and deletes the instance's data
# Environment: COMANDA_HOME, COMANDA_INSTANCE and the port variables of the three scripts.
set -euo pipefail
FOLDER=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$FOLDER/ground.sh"

SERVERS=(kafka registry clickhouse)

# all VERB: of the three servers in parallel; fails if one fails.
all() {
  local server job jobs=() failed=0
  for server in "${SERVERS[@]}"; do
    "$FOLDER/$server.sh" "$1" &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do wait "$job" || failed=1; done
  return $failed
}

# One after the other and before anything starts: what is wrong is said once.
check() {
  local server
  for server in "${SERVERS[@]}"; do "$FOLDER/$server.sh" check || exit 1; done
}

check_demo() {
  [[ -z ${1:-} || -r $1 ]] || die "cannot read the evening ORDERS=$1"
  require_disk
  require_free_port "${COMANDA_EDGE_PORT:-8080}" edge COMANDA_EDGE_PORT
}

up() {
  check
  all start
}

case ${1:-} in
  check) check ;;
  check-demo) check_demo "${2:-}" ;;
  up) up ;;
  down) all stop ;;
  kill) all kill ;;
  status) all status ;;
  reset) all reset ;;
  *) die "usage: servers.sh check|check-demo|up|down|kill|status|reset" ;;
esac
