#!/usr/bin/env bash
# SIGHUP reads the TLS files again: a connection made afterwards gets the new certificate; a wrong file is reported and changes nothing.
#
#   reload_tls.sh PROGRAM PROJECT_ROOT
set -euo pipefail

program=$(realpath "$1") root=$2
command -v openssl >/dev/null || { echo "skipped: openssl makes the certificates"; exit 77; }
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
cp "$root"/config/demo* "$work/"
cd "$work"
sed -i -E 's|^directory = ".*demo/model"|directory = "model"|; s/^rate = .*/rate = 0/; s/^trees = .*/trees = 10/' demo.toml
printf '\n[data]\ndirectory = "data"\ndisk_free_min = "64MiB"\n' >>demo.toml
grep -q '^\[http\]' demo.toml || printf '\n[http]\n' >>demo.toml
sed -i 's|^\[http\]|[http]\ntls_certificate_file = "cert.pem"\ntls_key_file = "key.pem"|' demo.toml
"$program" simulate --payments 20000 --seed 1 --customers 500 --out history.ndjson 2>/dev/null
"$program" train --config demo.toml --data history.ndjson --out model >/dev/null 2>&1

certificate() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" -keyout key.pem -out cert.pem 2>/dev/null; }
# Whose certificate a new connection gets.
subject() { openssl s_client -connect "${url#https://}" </dev/null 2>/dev/null | openssl x509 -noout -subject; }
logged() {
  for _ in $(seq 100); do
    grep -q "\"event\":\"$1\"" server.log && return
    sleep 0.1
  done
  cat server.log
  echo "the log does not say $1"
  exit 1
}
wants() {
  [[ $(subject) == *"$1"* ]] || { cat server.log; echo "the certificate is $(subject), not $1"; exit 1; }
}

certificate first
"$program" serve --config demo.toml --port 0 --ready-file ready >server.log 2>&1 &
server=$!
for _ in $(seq 600); do
  [[ -s ready ]] && break
  kill -0 "$server" 2>/dev/null || { cat server.log; exit 1; }
  sleep 0.1
done
url=$(sed -n 1p ready)
wants first

certificate second
wants first
kill -HUP "$server"
logged tls_reloaded
wants second

echo "no certificate" >cert.pem
kill -HUP "$server"
logged tls_not_reloaded
wants second

kill -TERM "$server"
wait "$server" || { cat server.log; echo "the server did not stop in order"; exit 1; }
server=
