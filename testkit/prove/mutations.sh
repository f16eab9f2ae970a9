#!/usr/bin/env bash
# Six mistakes against exactly-once, put in one at a time: the simulator's seeds find each; SEEDS=2000 is a shorter search
# Environment: COMANDA_HOME and ROCKSDB_LIB_DIR (set by make), SEEDS (searched for each mistake at most), MUTATIONS (names, to prove some).
set -euo pipefail
: "${ROCKSDB_LIB_DIR:?run it by make prove NAME=mutations}"
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
source "$ROOT/deploy/local/ground.sh"

MUTATIONS_FOLDER=testkit/simulator/mutations
COPY=$COMANDA_HOME/mutations
OUTPUT=$COMANDA_HOME/mutations.log
# Cargo takes two checkouts' crates of one name for the same: what is built with a mistake must not lie beside what is not.
export CARGO_TARGET_DIR=$COMANDA_HOME/target-mutations
SEEDS=${SEEDS:-10000}

SUMMARY=()
WRONG=0
# Seeds that the longest search took.
LONGEST=0

main() {
  trap 'rm -rf "$COPY"' EXIT
  copy_sources
  local patches=("$ROOT/$MUTATIONS_FOLDER"/*.patch) patch
  [[ -e ${patches[0]} ]] || die "no mutations in $MUTATIONS_FOLDER"
  for patch in "${patches[@]}"; do
    [[ -n ${MUTATIONS:-} && " $MUTATIONS " != *" $(basename "$patch" .patch) "* ]] || prove "$patch"
  done
  without_mistakes
  printf '%s\n' '' "${SUMMARY[@]}"
  ((WRONG == 0)) || die "$WRONG searches did not end as they must"
}

# The sources as they stand, committed or not. All are new to cargo: what was built of another copy is not taken for them.
copy_sources() {
  rm -rf "$COPY"
  mkdir -p "$COPY"
  git -C "$ROOT" ls-files -z --cached --others --exclude-standard |
    (cd "$ROOT" && while IFS= read -rd '' file; do [[ ! -e $file ]] || printf '%s\0' "$file"; done |
      xargs -0 cp --parents --target-directory="$COPY")
}

# prove PATCH: puts the mistake in, demands a failing seed, takes it out again.
prove() {
  local name
  name=$(basename "$1" .patch)
  say "$name: $(sed '/^$/q' "$1" | paste -sd' ')"
  apply "$1" || die "$name does not fit the code any more: make it anew against what it mutates"
  if search "$SEEDS"; then
    note WRONG "$SEEDS seeds" "$name is not found"
  else
    note right "$(found_after) seeds" "$name: $(failure)"
    LONGEST=$(($(found_after) > LONGEST ? $(found_after) : LONGEST))
  fi
  apply --reverse "$1"
}

# What finds the mistakes is content without them.
without_mistakes() {
  if search "$LONGEST"; then
    note right "$LONGEST seeds" "none fails without a mistake"
  else
    note WRONG "$(found_after) seeds" "without a mistake: $(failure)"
  fi
}

# The copy is no repository, even if it lies in one.
apply() { (cd "$COPY" && GIT_CEILING_DIRECTORIES=$COMANDA_HOME git apply "$@"); }

# search SEEDS: runs them until one fails. Only a failing seed counts as found: code that does not build proves nothing.
search() {
  local arguments=(test --quiet --manifest-path "$COPY/Cargo.toml" -p comanda-simulator --test seeds)
  cargo "${arguments[@]}" --no-run >"$OUTPUT" 2>&1 || die "it does not build: see $OUTPUT"
  ! SEEDS=$1 UNTIL_FAILURE=1 cargo "${arguments[@]}" whatever_happens >"$OUTPUT" 2>&1 || return 0
  [[ -n $(failure) ]] || die "the seeds end without a failing one: see $OUTPUT"
  return 1
}

# The first failing seed and what it says.
failure() { grep -m1 -E '^seed [0-9]+ ' "$OUTPUT" || true; }

found_after() { echo $(($(failure | cut -d' ' -f2) + 1)); }

# note VERDICT HOW_MANY WHAT
note() {
  local line
  line=$(printf '   %-5s %12s  %s' "$@")
  [[ $1 == right ]] || WRONG=$((WRONG + 1))
  say "$line"
  SUMMARY+=("$line")
}

main
