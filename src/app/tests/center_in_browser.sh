#!/usr/bin/env bash
# A real Chromium against the real program: signs in, sees an alert of the running demo arrive, opens it, confirms it, and reads
# no card number anywhere.
#
#   center_in_browser.sh PROGRAM PROJECT_ROOT BUILT_PAGE
set -euo pipefail

program=$1 root=$2 page=$3
work=$(mktemp -d)
server=
finish() {
  if [[ -n $server ]]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap finish EXIT
mkdir "$work/config"
cp "$root"/config/demo* "$work/config/"
cd "$work"

"$program" demo --config config/demo.toml --port 0 --ready-file ready --for 10m >server.log 2>&1 &
server=$!
for _ in $(seq 600); do
  [[ -s ready ]] && break
  kill -0 "$server" 2>/dev/null || { cat server.log; exit 1; }
  sleep 1
done
[[ -s ready ]] || { cat server.log; echo "the demo did not become ready"; exit 1; }
url=$(sed -n 1p ready)
(umask 077 && sed -n 2p ready >password)
"$program" simulate --payments 200000 --seed 1 --out known.ndjson 2>/dev/null
sed 's/.*"card":"\([0-9]*\)".*/\1/' known.ndjson | sort -u >pans

(cd "$page" && node tests/browser.mjs --url "$url" --user admin --password-file "$work/password" --pans "$work/pans")
kill -TERM "$server"
wait "$server" || { cat server.log; echo "the demo did not stop in order"; exit 1; }
server=
