#!/usr/bin/env bash
# Our Stripe client's requests against stripe-mock, which holds them against Stripe's own OpenAPI description; needs Go
# Environment: COMANDA_HOME and ROCKSDB_LIB_DIR (set by make), STRIPE_MOCK_PORT (a free port).
set -euo pipefail
: "${ROCKSDB_LIB_DIR:?run it by make prove NAME=stripe-mock}"
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
VERSION=v0.203.0
PORT=${STRIPE_MOCK_PORT:-12111}
BIN=$COMANDA_HOME/stripe-mock-$VERSION

command -v go >/dev/null || { echo "comanda: stripe-mock is written in Go: install golang" >&2; exit 1; }
[[ -x $BIN/stripe-mock ]] || GOBIN=$BIN go install "github.com/stripe/stripe-mock@$VERSION"

"$BIN/stripe-mock" -http-port "$PORT" >"$BIN/log" 2>&1 &
MOCK=$!
trap 'kill "$MOCK" 2>/dev/null || true' EXIT
for _ in $(seq 50); do
  (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null && break
  sleep 0.2
done

cd "$ROOT"
STRIPE_MOCK=http://127.0.0.1:$PORT cargo test -p comanda-providers --test stripe_mock -- --ignored --nocapture
