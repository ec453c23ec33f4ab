#!/usr/bin/env bash
# Makes build/test-venv, the Python environment with the servers that tests of the label "center" talk to, and with the libraries
# that those of the label "quality" train with (scripts/test-requirements.txt). With nothing to do it takes some milliseconds. Where
# the packages cannot be fetched it says so and ends with 0: those tests then skip.
#
#   scripts/test-servers.sh
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/say.sh
source "$root/scripts/say.sh"
cd "$root"

wanted=scripts/test-requirements.txt
venv=build/test-venv
log=build/test-venv.log

# The copy of the requirements in the environment says that it is whole.
if cmp -s "$wanted" "$venv/requirements.txt"; then exit 0; fi

mkdir -p build
rm -rf "$venv"
say "fetching what the tests need of Python"
if { python3 -m venv "$venv" && "$venv/bin/python" -m pip install --quiet --requirement "$wanted"; } >"$log" 2>&1; then
  cp "$wanted" "$venv/requirements.txt"
else
  rm -rf "$venv"
  say "tests against real mail and S3 servers and other training libraries will be skipped: $wanted cannot be installed ($(grep -v '^ *$' "$log" | tail -n 1)); see $log"
fi
