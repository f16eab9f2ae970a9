#!/usr/bin/env bash
# Builds RocksDB's static library once, outside of cargo's fingerprints: cargo would compile it again (15 minutes and
# more on two cores) for every other selection of packages or features. Prints the folder that holds it, for
# ROCKSDB_LIB_DIR.
set -euo pipefail
FOLDER=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$FOLDER/ground.sh"

ROOT=$(cd "$FOLDER/../.." && pwd)
VERSION=$(awk '/^name = "librocksdb-sys"/ { getline; gsub(/version = |"/, ""); print }' "$ROOT/Cargo.lock")
LIBRARY=$COMANDA_HOME/rocksdb/$VERSION/librocksdb.a

build() {
  say "building RocksDB $VERSION, once for all builds: about 15 minutes on two cores …"
  local messages built
  messages=$(mktemp)
  # Not ROCKSDB_LIB_DIR: this is the build that makes it.
  (cd "$ROOT" && env -u ROCKSDB_LIB_DIR -u ROCKSDB_STATIC ROCKSDB_COMPILE=1 \
    cargo build -p librocksdb-sys --message-format=json-render-diagnostics >"$messages") ||
    die "RocksDB could not be built: see the lines above"
  built=$(sed -n 's/.*"build-script-executed".*librocksdb-sys.*"out_dir":"\([^"]*\)".*/\1/p' "$messages" | tail -1)
  rm -f "$messages"
  [[ -f $built/librocksdb.a ]] || die "cargo built RocksDB but $built holds no librocksdb.a"
  mkdir -p "$(dirname "$LIBRARY")"
  cp "$built/librocksdb.a" "$LIBRARY.new" && mv "$LIBRARY.new" "$LIBRARY"
}

[[ -f $LIBRARY ]] || build >&2
dirname "$LIBRARY"
