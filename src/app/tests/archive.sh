#!/usr/bin/env bash
# The archive of a running server: through stops, kills and a store that is away, every decision of the log is in exactly one object.
# Payments come from the simulator. The S3 server is that of the tests' Python environment (PAYWARDEN_TEST_VENV); skipped (77) without it.
#
#   archive.sh PROGRAM PROJECT_ROOT folder|s3
set -euo pipefail

program=$(realpath "$1") root=$(realpath "$2") kind=$3
if [[ $kind == s3 && -z ${PAYWARDEN_TEST_VENV:-} ]]; then
  echo "skipped: PAYWARDEN_TEST_VENV names no Python environment with moto; ./test center makes one"
  exit 77
fi
# shellcheck source=src/app/tests/program.sh
source "$(dirname "${BASH_SOURCE[0]}")/program.sh"
use_work_folder
small_demo "$root"

python=python3 where=(--directory archive)
crash_after() {
  start serve --config demo.toml
  sleep "$1"
  kill -KILL "$server"
  wait "$server" 2>/dev/null || true
  server=
}
checker() { "$python" "$root/src/app/tests/archive_checker.py" "$@"; }

if [[ $kind == s3 ]]; then
  python=$PAYWARDEN_TEST_VENV/bin/python
  start_s3 "$python" "$root"
  # shellcheck disable=SC2154 # of program.sh
  where=(--endpoint "http://127.0.0.1:$port" --bucket bank-archive)
fi
sed -i 's/^rate = .*/rate = 2000/' demo.toml
cat >>demo.toml <<TOML

[archive]
kind = "$kind"
directory = "archive"
bucket = "bank-archive"
endpoint = "http://127.0.0.1:1"
batch_records = 700
batch_time = "1s"
TOML
"$program" simulate --payments 20000 --seed 1 --customers 500 --out history.ndjson 2>/dev/null
"$program" train --config demo.toml --data history.ndjson --out model >/dev/null 2>&1
"$program" backfill --config demo.toml --data history.ndjson >/dev/null 2>&1

if [[ $kind == s3 ]]; then
  # Nobody is at that address: payments go on, and it is said once.
  start serve --config demo.toml
  sleep 3
  stop
  said=$(grep -c '"event":"archive_failed"' server.log || true)
  [[ $said == 1 ]] || { cat server.log; echo "a store that is away was told of $said times"; exit 1; }
  : >server.log
  sed -i "s|^endpoint = .*|endpoint = \"http://127.0.0.1:$port\"|" demo.toml
fi
for _ in 1 2 3; do crash_after 1.7; done 2>/dev/null
start serve --config demo.toml
sleep 1
stop
# Without payments the rest is archived once its time is over.
sed -i 's/^rate = .*/rate = 0/' demo.toml
start serve --config demo.toml
(umask 077 && "$program" key create --config demo.toml --name probe --role observer >api.key)
# shellcheck disable=SC2154 # of program.sh
checker wait --url "$url" --key-file api.key
stop
grep -E '"event":"archive_' server.log && exit 1
checker check "${where[@]}" --journal data/journal
if [[ $kind == folder ]]; then
  mapfile -t objects < <(find archive -type f | sort -t+ -k3)
  "$program" replay --config demo.toml --model model --archived --data "${objects[@]}" --out replayed.ndjson 2>replay.log
  archived=$(zcat "${objects[@]}" | sed -E 's/.*"payment":\{.*"payment_id":"([^"]*)".*/\1/')
  replayed=$(sed -E 's/^\{"payment_id":"([^"]*)".*/\1/' replayed.ndjson)
  [[ $archived == "$replayed" ]] || { cat replay.log; echo "the replay of the archive has other payments"; exit 1; }
  echo "and replayed"
fi
