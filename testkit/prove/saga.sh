#!/usr/bin/env bash
# orders with anything happening to them, order and payment role together: 10,000 seeds (SEEDS=…)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
SAGA_SEEDS=${SEEDS:-10000} cargo test -p comanda-processors --test topologies payment_saga -- --nocapture |
  grep -v '^seed '
