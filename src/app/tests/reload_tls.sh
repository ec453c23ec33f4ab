#!/usr/bin/env bash
# SIGHUP reads the TLS files again: a connection made afterwards gets the new certificate; a wrong file is reported and changes nothing.
#
#   reload_tls.sh PROGRAM PROJECT_ROOT
set -euo pipefail

program=$(realpath "$1") root=$(realpath "$2")
command -v openssl >/dev/null || { echo "skipped: openssl makes the certificates"; exit 77; }
# shellcheck source=src/app/tests/program.sh
source "$(dirname "${BASH_SOURCE[0]}")/program.sh"
use_work_folder
small_demo "$root"
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
start serve --config demo.toml
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

# A stray signal must not leave a server that no other signal stops.
kill -USR1 "$server"
sleep 0.2
stop
