#!/usr/bin/env bash
# A real Chromium against the real program: signs in, sees an alert of the running demo arrive, opens it, confirms it, and reads
# no card number anywhere.
#
#   center_in_browser.sh PROGRAM PROJECT_ROOT BUILT_PAGE
set -euo pipefail

program=$(realpath "$1") root=$(realpath "$2") page=$(realpath "$3")
# shellcheck source=src/app/tests/program.sh
source "$(dirname "${BASH_SOURCE[0]}")/program.sh"
use_work_folder
mkdir config
cp "$root"/config/demo* config/

start demo --config config/demo.toml --for 10m
(umask 077 && sed -n 2p ready >password)
"$program" simulate --payments 200000 --seed 1 --out known.ndjson 2>/dev/null
sed 's/.*"card":"\([0-9]*\)".*/\1/' known.ndjson | sort -u >pans

(cd "$page" && node tests/browser.mjs --url "$url" --user admin --password-file "$work/password" --pans "$work/pans")
stop
