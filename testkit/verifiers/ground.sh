# What every verifier stands on: Apache Kafka's system-test programs, our tools beside them, a broker without a past.
# Sourced, never run; the script that does plans the run and calls clean at its end.
# Environment: VERIFIERS_BROKER, the address of a broker that somebody else started for this run alone.

VERIFIERS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$VERIFIERS/../../deploy/local/ground.sh"

KAFKA=$VERIFIERS/../../deploy/local/kafka.sh
BOOTSTRAP=${VERIFIERS_BROKER:-127.0.0.1:$KAFKA_PORT}
# Everything of a run: states of instances, what they and the verifier print.
RUN=$INSTANCE_DIR/verifiers
# Where the logs of a run that went wrong stay.
KEPT=$COMANDA_HOME/verifiers
# A verifier holds all records in memory: half a million take 2 GB.
VERIFIER_HEAP=${VERIFIER_HEAP:-1g}

# A broker, topics and states without a past.
start_afresh() {
  clean
  mkdir -p "$RUN"
  [[ -n ${VERIFIERS_BROKER:-} ]] || "$KAFKA" start
}

# Ends what the run started; deletes its broker and states.
clean() {
  end_instances
  end_background
  [[ -n ${VERIFIERS_BROKER:-} ]] || "$KAFKA" reset
  rm -rf "${RUN:?}"
  rmdir --ignore-fail-on-non-empty "$INSTANCE_DIR" 2>/dev/null || true
}

BACKGROUND=

# in_background NAME COMMAND…: a generator or driver, one at a time; what it prints goes to NAME.out and NAME.err.
in_background() {
  "${@:2}" >"$RUN/$1.out" 2>"$RUN/$1.err" &
  BACKGROUND=$!
}

end_background() {
  [[ -z $BACKGROUND ]] || kill -KILL "$BACKGROUND" 2>/dev/null || true
  BACKGROUND=
}

# compile_tool NAME LIBS: to $RUN/classes, anew in every run.
compile_tool() {
  find_java
  [[ -d $2 ]] || die "Kafka's system-test programs are not installed: run deploy/local/setup.sh"
  mkdir -p "$RUN"
  javac --release 17 -Xlint:all -cp "$2/*" -d "$RUN/classes" "$VERIFIERS/$1.java" || die "$1.java does not compile"
}

# within_run COMMAND…: becomes the command, which dies with this script however the script ends.
within_run() { exec setpriv --pdeathsig KILL "$@"; }

# java_with HEAP LIBS ARGUMENTS…: becomes Java; run it in a subshell.
java_with() {
  within_run "$JAVA" "-Xmx$1" -XX:+UseSerialGC "-Dlog4j2.configurationFile=$VERIFIERS/log4j2.properties" \
    -cp "$RUN/classes:$2/*" "${@:3}"
}

# program NAME GIVEN: builds the stand-in unless another program is to be judged.
program() {
  if [[ -n $2 ]]; then
    PROGRAM=$2
  else
    cargo build -q --manifest-path "$VERIFIERS/Cargo.toml" --bin "$1"
    PROGRAM=$CARGO_TARGET_DIR/debug/$1
  fi
}

# For the reader of a run that went wrong: clean deletes the rest.
keep_logs() {
  mkdir -p "$KEPT"
  cp "$RUN"/*.err "$RUN"/*.out "$KEPT/"
}
