#!/usr/bin/env bash
# Card payments through a real broker into an archive: what becomes visible is, byte for byte, what replay decides, each payment
# once, and so is what the archive holds; labels and repeats have their outcomes too. With a stop and a kill in the middle. The
# archive is an S3 server where the tests' Python environment is there (PAYWARDEN_TEST_VENV), else a folder.
#
#   kafka_pipeline.sh PROGRAM PROJECT_ROOT PAN_SCAN
set -euo pipefail

program=$1 root=$2 scan=$3
# shellcheck source=src/app/tests/program.sh
source "$root/src/app/tests/program.sh"
data=$root/../shared/data kafka=$root/scripts/kafka.sh
[[ -f $data/card-payments-test.csv.xz ]] || { echo "skipped: ../shared/data is not here"; exit 77; }
command -v kcat >/dev/null || { echo "skipped: there is no kcat"; exit 77; }
use_work_folder
trap '"$kafka" stop "$work/kafka"; leave' EXIT
"$kafka" start "$work/kafka" --owner $$ || exit
bootstrap=$(<kafka/bootstrap)
"$kafka" topics "$work/kafka" payments:1

cp "$root/config/cards.toml" .
cat >>cards.toml <<END
[log]
kind = "kafka"
[kafka]
properties_file = "client.properties"
instance = "1"
partitions = 1
snapshot_every = 50000
[data]
directory = "data"
[model]
directory = "model"
END
cp cards.toml train.toml

kind=folder port=0
if [[ -n ${PAYWARDEN_TEST_VENV:-} ]]; then
  kind=s3
  start_s3 "$PAYWARDEN_TEST_VENV/bin/python" "$root"
fi
cat >>cards.toml <<END
[archive]
kind = "$kind"
directory = "archive"
bucket = "bank-archive"
endpoint = "http://127.0.0.1:$port"
batch_records = 30000
batch_time = "2s"
END
echo "bootstrap.servers=$bootstrap" >client.properties

# A model in seconds: what it scores is of no matter here.
{ xzcat "$data/card-payments-train.csv.xz" || true; } | head -n 150001 >small.csv
sed -i -E 's/^directory = "data"/directory = "train"/; s/^trees = .*/trees = 30/' train.toml
"$program" train --config train.toml --data small.csv --out model >train.log 2>&1 || { cat train.log; exit 1; }
"$program" replay --config train.toml --model model --data "$data/card-payments-test.csv.xz" --out replay.ndjson 2>replay.log
"$root/src/app/tests/kafka_feed.py" --repeats 0.01 "$data/card-payments-test.csv.xz" >feed.ndjson
payments=$(wc -l <replay.ndjson) records=$(wc -l <feed.ndjson)

visible() { kcat -b "$bootstrap" -C -q -e -o beginning -X isolation.level=read_committed -t "$1" "${@:2}"; }
outcomes() { for topic in decisions rejects others; do visible "paywarden.$topic" -f '%h\n' | cut -d, -f1; done; }

# decided COUNT: waits until so many records have an outcome.
decided() {
  local seen=0
  for _ in $(seq 120); do
    seen=$(outcomes | wc -l)
    ((seen >= $1)) && return
    sleep 1
  done
  tail -n 20 "$server_log"
  echo "$seen of $1 records have an outcome"
  exit 1
}

half=$((records / 2))
begun=$(date +%s.%N)
start serve --config cards.toml
head -n "$half" feed.ndjson | kcat -b "$bootstrap" -P -t payments -X linger.ms=20
decided "$half"
stop
tail -n +$((half + 1)) feed.ndjson | kcat -b "$bootstrap" -P -t payments -X linger.ms=20
start serve --config cards.toml
sleep 4
kill -KILL "$server"
wait "$server" 2>/dev/null || true
start serve --config cards.toml
decided "$records"
awk -v begun="$begun" -v now="$(date +%s.%N)" -v n="$records" 'BEGIN { printf "%d records in %.0f s\n", n, now - begun }'

visible paywarden.decisions >decisions.ndjson
cmp decisions.ndjson replay.ndjson || { echo "what Kafka's users see differs from what replay decides"; exit 1; }
outcomes | sort >inputs
[[ $(wc -l <inputs) == "$records" && $(uniq -d inputs | wc -l) == 0 ]] || { echo "not one outcome for each record"; exit 1; }
visible paywarden.others | grep -c '"duplicate"' | grep -qx $((records - payments - $(grep -c '^{"label"' feed.ndjson))) ||
  { echo "repeats were not told apart"; exit 1; }
[[ $(visible paywarden.alerts | wc -l) == $(grep -vc '"outcome":"approve"' replay.ndjson) ]] || { echo "not every suspicious payment is an alert"; exit 1; }
[[ $(visible paywarden.rejects | wc -l) == 0 ]] || { visible paywarden.rejects | head -n 3; echo "rejects"; exit 1; }
grep -q '"event":"restoring","stage":"decide","partition":"0","has":"snapshot","from":"[1-9][0-9]*"' "$server_log" || { echo "the second start did not begin at a snapshot"; exit 1; }

for topic in rejects others alerts; do visible "paywarden.$topic"; done >other-topics
grep -o '"cc_num":"[0-9]*"' feed.ndjson | tr -dc '0-9\n' | sort -u >cards
# The archive, in the order of the offsets in its objects' names.
fetch_archive() {
  [[ $kind == s3 ]] || return 0
  rm -rf archive
  "$PAYWARDEN_TEST_VENV/bin/python" - "$port" <<'END'
import os, sys
import boto3
s3 = boto3.client("s3", endpoint_url="http://127.0.0.1:" + sys.argv[1], region_name="us-east-1")
for page in s3.get_paginator("list_objects_v2").paginate(Bucket="bank-archive"):
    for entry in page.get("Contents", []):
        os.makedirs(os.path.dirname("archive/" + entry["Key"]), exist_ok=True)
        s3.download_file("bank-archive", entry["Key"], "archive/" + entry["Key"])
END
}
archived() {
  fetch_archive
  find archive -name '*.json.gz' 2>/dev/null | awk -F+ '{ print $NF, $0 }' | sort -n | cut -d' ' -f2- | xargs -r zcat
}
for _ in $(seq 40); do
  archived >archived.ndjson
  (($(wc -l <archived.ndjson) >= payments)) && break
  sleep 1
done
stop
sed -E 's/^\{"offset":[0-9]+,/{/; s/,"payment":\{.*\}\}$/}/' archived.ndjson >archived-decisions.ndjson
cmp archived-decisions.ndjson replay.ndjson || { echo "the archive differs from what replay decides"; exit 1; }
if [[ -f $root/../shared/eval/evaluate.py ]]; then
  for file in archived replay; do
    python3 "$root/../shared/eval/evaluate.py" cards --decisions $file.ndjson --data "$data/card-payments-test.csv.xz" >$file.figures
  done
  cmp archived.figures replay.figures
fi
find archive -name '*.json.gz' | grep -qE '^archive/topics/paywarden.decisions/year=2020/month=[0-9]{2}/day=[0-9]{2}/hour=[0-9]{2}/paywarden.decisions\+0\+[0-9]{10}.json.gz$'

"$scan" --known cards data decisions.ndjson other-topics archived.ndjson "$server_log" || { echo "a card number rests there"; exit 1; }
echo "ok: $payments payments decided and archived ($kind) once, as replay does"
