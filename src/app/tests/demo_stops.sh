#!/usr/bin/env bash
# The demo's first start, which trains a model, then SIGTERM: it stops in order, says what it decided, and ends with 0. Before that, its payments are timed. The threads that
# training leaves behind must not take the signal.
#
#   demo_stops.sh PROGRAM PROJECT_ROOT
set -euo pipefail

program=$(realpath "$1") root=$2
work=$(mktemp -d)
server=
finish() {
  if [[ -n $server ]]; then
    kill -KILL "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap finish EXIT
mkdir "$work/config"
cp "$root"/config/demo* "$work/config/"
cd "$work"

"$program" demo --config config/demo.toml --port 0 --ready-file ready >server.log 2>&1 &
server=$!
for _ in $(seq 3000); do
  [[ -s ready ]] && break
  kill -0 "$server" 2>/dev/null || { cat server.log; exit 1; }
  sleep 0.1
done
[[ -s ready ]] || { cat server.log; echo "the demo did not become ready"; exit 1; }
"$program" key create --config config/demo.toml --name metrics --role observer >metrics.key
url=$(sed -n 1p ready)
# timed BELOW: how many decisions took at most so many seconds.
timed() { curl -sS -H "Authorization: Bearer $(<metrics.key)" "$url/metrics" | sed -n "s/^paywarden_decision_latency_seconds_bucket{le=\"$1\"} //p"; }
for _ in $(seq 100); do
  [[ $(timed +Inf) -gt 50 ]] && break
  sleep 0.1
done
[[ $(timed +Inf) -gt 50 && $(timed 0.00025) -lt $(timed +Inf) ]] || { timed +Inf; echo "simulated payments are not timed"; exit 1; }
kill -TERM "$server"
status=0
wait "$server" || status=$?
server=
[[ $status == 0 ]] || { cat server.log; echo "the demo ended with $status"; exit 1; }
[[ $(tail -n 1 server.log) =~ ^decided\ [1-9][0-9]*\ payments ]] || { cat server.log; echo "the demo's last line says nothing"; exit 1; }
tail -n 1 server.log
