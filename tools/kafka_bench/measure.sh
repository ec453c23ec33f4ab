#!/usr/bin/env bash
# What Paywarden on Kafka costs, by one command: a broker of its own on this machine, one partition, one stage, config/demo.toml
# with a model of 200 trees that is trained first.
#
#   tools/kafka_bench/measure.sh [BUILD] [tiny]       BUILD: folder of the programs, by default build/release
#
# Prints payments a second from topic to topic (exactly once) over a backlog, and what the process used of processors meanwhile;
# the same of a minimal loop (consume, produce as many bytes, commit offsets in transactions of the same size); then the time from
# a payment's intended sending to its decision before a consumer of committed records, at a steady rate. The broker has the full
# compiler and 1 GB, and is warmed by a round that is not counted. `tiny` tests that all of it works: its figures mean nothing.
# Takes about three minutes. Ends with 77 where there is no Kafka (scripts/kafka-fetch.sh).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$(realpath "${1-$root/build/release}")
program=$build/paywarden bench=$build/paywarden-kafka-bench
# shellcheck source=src/app/tests/program.sh
source "$root/src/app/tests/program.sh"

payments=500000 rounds=3 train=200000 trees=200 rate=2000 seconds=30 warm=5
if [[ ${2-} == tiny ]]; then payments=20000 rounds=1 train=100000 trees=10 rate=200 seconds=2 warm=1; fi

use_work_folder
trap '"$root/scripts/kafka.sh" stop "$work/kafka"; leave' EXIT
_JAVA_OPTIONS="-Xmx1g -XX:TieredStopAtLevel=4" "$root/scripts/kafka.sh" start "$work/kafka" --owner $$ || exit
bootstrap=$(<kafka/bootstrap)
part() { "$bench" --bootstrap "$bootstrap" "$@"; }
echo "bootstrap.servers=$bootstrap" >client.properties

cp "$root"/config/demo* .
sed -i -E "s|^directory = .*demo/model\"|directory = \"model\"|; s/^rate = .*/rate = 0/; s/^trees = .*/trees = $trees/" demo.toml
"$program" simulate --payments "$train" --seed 7 --out train.ndjson 2>simulate.log
"$program" train --config demo.toml --data train.ndjson --out model >train.log 2>&1 || { cat train.log; exit 1; }

# value NAME LINE: of `name=value ...`
value() { sed -E "s/.*\b$1=([^ ]*).*/\1/" <<<"$2"; }

# A group, topics and a data directory of its own for each round.
config() {
  cat demo.toml
  cat <<END
[log]
kind = "kafka"
[kafka]
properties_file = "client.properties"
instance = "1"
group = "round$1"
decisions_topic = "decisions$1"
rejects_topic = "rejects$1"
others_topic = "others$1"
alerts_topic = "alerts$1"
partitions = 1
snapshot_every = 100000000
[data]
directory = "data$1"
disk_free_min = "64MiB"
END
}

paywarden_round() {
  config "$1" >"round$1.toml"
  start serve --config "round$1.toml"
  part watch --group "round$1" --topic payments --decisions "decisions$1" --payments "$payments" --pid "$server" ||
    { tail -n 5 "$server_log" >&2; return 1; }
}

# minimal_round ROUND LINE: as many payments a transaction and bytes a record, the header's too, as Paywarden's had.
minimal_round() {
  part minimal --topic payments --out "minimal$1" --payments "$payments" --batch "$(value batch "$2")" \
    --key-bytes "$(value key_bytes "$2")" --value-bytes "$(($(value value_bytes "$2") + $(value header_bytes "$2")))"
}

part fill --topic payments --payments "$payments" >fill.line
minimal_round warm "batch=1000 key_bytes=32 value_bytes=300 header_bytes=0" >warm.line
for ((round = 1; round <= rounds; round++)); do
  if ((round > 1)); then stop; fi
  paywarden_round "$round" >round.line
  cat round.line >>paywarden.lines
  minimal_round "$round" "$(<round.line)" >>minimal.lines
done
part latency --topic payments --decisions "decisions$rounds" --rate "$rate" --seconds "$seconds" --warm-seconds "$warm" >latency.line
stop

# middle NAME FILE: of the rounds
middle() {
  while read -r line; do value "$1" "$line"; done <"$2" | sort -n | sed -n "$(((rounds + 1) / 2))p"
}
row() {
  local name=$1 key=$2 ours theirs
  ours=$(middle "$key" paywarden.lines) theirs=$(middle "$key" minimal.lines)
  awk -v n="$name" -v a="$ours" -v b="$theirs" 'BEGIN { printf "%-44s %12d %12d %8.2f\n", n, a, b, b ? a / b : 0 }'
}

latency=$(<latency.line)
echo "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) threads, broker on the same machine"
echo "$payments payments of $(value payment_bytes "$(<fill.line)") bytes, $trees trees; decisions of $(middle value_bytes paywarden.lines) bytes, $(middle batch paywarden.lines) a transaction; middle of $rounds rounds"
printf '%-44s %12s %12s %8s\n' '' Paywarden minimal ratio
row 'payments/s, topic to topic, exactly once' payments_s
row 'CPU ns a payment' cpu_ns
row "  of them in librdkafka's threads" client_ns
echo "from the intended sending to the visible decision, $rate payments/s for $seconds s: p50 $(value p50_ms "$latency") ms, p99 $(value p99_ms "$latency") ms, p99.9 $(value p999_ms "$latency") ms, longest $(value max_ms "$latency") ms (the sender itself was late by at most $(value sender_late_ms "$latency") ms)"
