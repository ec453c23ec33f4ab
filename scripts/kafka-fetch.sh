#!/usr/bin/env bash
# Makes build/kafka, the Apache Kafka that scripts/kafka.sh runs: its jars by Maven (scripts/kafka-pom.xml), a formatted
# storage to start from, and an archive of its loaded classes, with which a broker starts a second sooner. With nothing to do
# it takes some milliseconds. Where the jars cannot be fetched it says so and ends with 0: the tests with Kafka then skip.
#
#   scripts/kafka-fetch.sh
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/say.sh
source "$root/scripts/say.sh"
cd "$root"

kafka=build/kafka
log=build/kafka-fetch.log
# A mirror that hangs must not hang the tests.
FETCH_S_MAX=900
# The users that the tests sign in as: --sasl of scripts/kafka.sh.
USERS=(paywarden reader)

made_from() { cat scripts/kafka-pom.xml scripts/kafka-fetch.sh; }

fetch_jars() {
  timeout "$FETCH_S_MAX" mvn --batch-mode --no-transfer-progress -Dstyle.color=never --file scripts/kafka-pom.xml \
    dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$PWD/$kafka/jars" >>"$log" 2>&1
}

# Kafka's own tool, once: scripts/kafka.sh gives each broker a copy under its own number. The users' secrets for SCRAM can only
# come in here.
format_storage() {
  local user users=()
  for user in "${USERS[@]}"; do users+=(--add-scram "SCRAM-SHA-256=[name=$user,password=$user-secret,iterations=4096]"); done
  printf '%s\n' process.roles=broker,controller node.id=1 controller.quorum.voters=1@127.0.0.1:1 \
    controller.listener.names=CONTROLLER listeners=PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:1 \
    "log.dirs=$PWD/$kafka/formatted" >"$kafka/format.properties"
  java -XX:TieredStopAtLevel=1 -Dlog4j2.configurationFile="file://$PWD/scripts/kafka-log4j2.properties" -cp "$kafka/jars/*" \
    kafka.tools.StorageTool format --cluster-id paywarden-of-the-tests --config "$kafka/format.properties" "${users[@]}" >>"$log" 2>&1
}

# A broker that ends in order leaves its classes behind. Without them all works, slower.
archive_classes() {
  local run=$kafka/archiving broker
  _JAVA_OPTIONS="-XX:ArchiveClassesAtExit=$PWD/$kafka/classes.jsa" scripts/kafka.sh start "$run" --sasl >>"$log" 2>&1 || return 0
  {
    scripts/kafka.sh topics "$run" archived:1
    scripts/kafka.sh allow "$run" reader read topic archived
    date | kcat -P -b "$(<"$run/bootstrap")" -t archived -z lz4
    kcat -b "$(<"$run/bootstrap")" -G archived archived -e -X auto.offset.reset=earliest
    broker=$(<"$run/kafka-1.pid")
    kill -TERM "$broker"
    timeout 60 tail --pid="$broker" -s 0.1 -f /dev/null
  } >>"$log" 2>&1 || true
  scripts/kafka.sh stop "$run"
  rm -rf "$run"
}

# The copy of what it was made from says that it is whole.
if made_from | cmp -s - "$kafka/made-from"; then exit 0; fi

mkdir -p build
rm -rf "$kafka"
: >"$log"
say "fetching Apache Kafka for the tests"
mkdir -p "$kafka"
if ! fetch_jars; then
  rm -rf "$kafka"
  say "tests with Kafka will be skipped: scripts/kafka-pom.xml cannot be fetched ($(grep -m 1 ERROR "$log" || tail -n 1 "$log")); see $log"
  exit 0
fi
format_storage || fail "Kafka cannot format its storage ($(grep -E 'Exception|rror' "$log" | head -n 1)); see $log"
archive_classes
made_from >"$kafka/made-from"
