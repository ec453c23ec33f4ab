#!/usr/bin/env bash
# The archive of a running server, in a folder: through stops and kills every decision of the log is in exactly one object, and what is
# archived can be read and replayed. Payments come from the simulator.
#
#   archive_folder.sh PROGRAM PROJECT_ROOT
set -euo pipefail

program=$(realpath "$1") root=$(realpath "$2")
# shellcheck source=src/app/tests/program.sh
source "$(dirname "${BASH_SOURCE[0]}")/program.sh"
use_work_folder
small_demo "$root"
sed -i 's/^rate = .*/rate = 2000/' demo.toml
cat >>demo.toml <<TOML

[archive]
kind = "folder"
directory = "archive"
batch_records = 700
batch_time = "1s"
TOML
"$program" simulate --payments 20000 --seed 1 --customers 500 --out history.ndjson 2>/dev/null
"$program" train --config demo.toml --data history.ndjson --out model >/dev/null 2>&1
"$program" backfill --config demo.toml --data history.ndjson >/dev/null 2>&1

for _ in 1 2 3; do
  start serve --config demo.toml
  sleep 1.7
  kill -KILL "$server"
  wait "$server" || true
  server=
done
start serve --config demo.toml
sleep 1
stop
# Without payments the rest is archived once its time is over.
sed -i 's/^rate = .*/rate = 0/' demo.toml
start serve --config demo.toml
(umask 077 && "$program" key create --config demo.toml --name probe --role observer >api.key)
python3 "$root/src/app/tests/archive_checker.py" wait --url "$url" --key-file api.key
stop
grep -E '"event":"archive_(failed|missed|set_back)"' server.log && exit 1
python3 "$root/src/app/tests/archive_checker.py" check --directory archive --journal data/journal
