#!/usr/bin/env bash
# The demo's first start, which trains a model, then SIGTERM: it stops in order, says what it decided, and ends with 0. The threads that
# training leaves behind must not take the signal. Before that, its payments are timed.
#
#   demo_stops.sh PROGRAM PROJECT_ROOT
set -euo pipefail

program=$(realpath "$1") root=$(realpath "$2")
# shellcheck source=src/app/tests/program.sh
source "$(dirname "${BASH_SOURCE[0]}")/program.sh"
use_work_folder
mkdir config
cp "$root"/config/demo* config/

start demo --config config/demo.toml
"$program" key create --config config/demo.toml --name metrics --role observer >metrics.key
# timed BELOW: how many decisions took at most so many seconds.
timed() { curl -sS -H "Authorization: Bearer $(<metrics.key)" "$url/metrics" | sed -n "s/^paywarden_decision_latency_seconds_bucket{le=\"$1\"} //p"; }
for _ in $(seq 100); do
  [[ $(timed +Inf) -gt 50 ]] && break
  sleep 0.1
done
[[ $(timed +Inf) -gt 50 && $(timed 0.00025) -lt $(timed +Inf) ]] || { timed +Inf; echo "simulated payments are not timed"; exit 1; }
stop
[[ $(tail -n 1 server.log) =~ ^decided\ [1-9][0-9]*\ payments ]] || { cat server.log; echo "the demo's last line says nothing"; exit 1; }
tail -n 1 server.log
