# What the verifiers must say, and what they said. Sourced after ground.sh, never run.

SUMMARY=()
WRONG=0
# Set by a verification: PASS or FAIL, and the verifier's own words for a failure.
VERDICT=
REASON=

# must_be VERDICT REASON NAME: the verifier must have said it, a failure for that reason (a regular expression).
must_be() {
  if [[ $VERDICT == "$1" && $REASON =~ $2 ]]; then
    note right "$VERDICT" "$3"
  else
    note WRONG "$VERDICT" "$3, expected $1: $REASON"
    keep_logs
  fi
}

# check NAME FOUND EXPECTED
check() {
  if [[ $2 == "$3" ]]; then note right yes "$1"; else note WRONG no "$1: found $2"; fi
}

note() {
  local line
  line=$(printf '   %-5s %-4s %s' "$@")
  [[ $1 == right ]] || WRONG=$((WRONG + 1))
  say "$line"
  SUMMARY+=("$line")
}

# A figure under the line before.
figure() { SUMMARY+=("             $*"); }

conclude() {
  printf '%s\n' '' "${SUMMARY[@]}"
  ((WRONG == 0)) || die "$WRONG verdicts are not what they must be"
}
