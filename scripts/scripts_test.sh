#!/usr/bin/env bash
# Tests run, test, install.sh and build.sh on a machine of stubs: a PATH with the few real tools they need, and with an
# apt-get, dpkg-query, sudo, node, cmake and ctest that do as each test says and write down how they were called.
# shellcheck disable=SC2001,SC2016,SC2317 # stubs and checks are code in single quotes, called by name
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

TOOLS=(bash sh env cat sed awk grep sort comm tail head cut df mkdir dirname tee paste nproc touch rm cmp cp chmod timeout)

# new_machine: everything installed, root, Debian 12. The tests then break one thing each.
new_machine() {
  rm -rf "$work"
  mkdir -p "$work/bin" "$work/lists" "$work/clone/build"
  local tool
  for tool in "${TOOLS[@]}"; do ln -s "$(command -v "$tool")" "$work/bin/$tool"; done
  cp -r "$root/run" "$root/test" "$root/scripts" "$root/CMakePresets.json" "$work/clone"
  touch "$work/lists/mirror_Packages.lz4" "$work/calls"
  printf 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n' >"$work/os-release"
  stub id 'echo 0'
  stub node 'echo v18.20.4'
  stub npm ''
  stub apt-get ''
  stub dpkg-query 'shift 3; for package in "$@"; do echo "installed $package"; done'
  stub cmake 'if [[ $1 == --preset ]]; then touch "build/$2/build.ninja"; fi'
  stub ctest 'if [[ $* == *--print-labels* ]]; then printf "All Labels:\n  unit\n  engine\n  center\n"; else echo "100% tests passed"; fi'
  stub python3 'mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; if [[ $* == *install* && -e no_network ]]; then echo "ERROR: No matching distribution"; exit 1; fi'
  stub mvn 'if [[ -e no_network ]]; then echo "[ERROR] Could not resolve dependencies"; exit 1; fi'
  stub java ''
  # No broker runs among stubs.
  printf '#!/bin/bash\nexit 1\n' >"$work/clone/scripts/kafka.sh"
}

# stub NAME BODY: a command that writes its call down and then does BODY.
stub() {
  rm -f "$work/bin/$1"
  printf '#!/bin/bash\necho "%s $*" >>%q\n%s\n' "$1" "$work/calls" "$2" >"$work/bin/$1"
  chmod +x "$work/bin/$1"
}

absent() { stub dpkg-query "shift 3; for package in \"\$@\"; do [[ \$package == $1 ]] || echo \"installed \$package\"; done; exit 1"; }

# on_machine COMMAND...: sets `output` and `status`.
on_machine() {
  status=0
  output=$(cd "$work/clone" && env -i PATH="$work/bin" HOME="$work" PAYWARDEN_APT_LISTS="$work/lists" \
    PAYWARDEN_OS_RELEASE="$work/os-release" "$@" </dev/null 2>&1) || status=$?
}

check() {
  if "${@:2}"; then
    echo "ok    $1"
  else
    echo "FAIL  $1 (status $status)"
    sed 's/^/      | /' <<<"$output"
    sed 's/^/      called: /' "$work/calls"
    failures=$((failures + 1))
  fi
}

# Ends with an error of one line that contains these words.
fails_with() { [[ $status != 0 && $output == *"paywarden: "*"$1"* && $(grep -c '^paywarden: ' <<<"$output") == 1 ]]; }
succeeds() { [[ $status == 0 ]]; }
was_called() { grep -q -- "$1" "$work/calls"; }
succeeds_without_call() { succeeds && ! was_called "$1"; }
succeeds_with_call() { succeeds && was_called "$1"; }

test_install() {
  new_machine
  on_machine scripts/install.sh unit browser
  check 'nothing absent: not a word, apt-get is left alone' eval 'succeeds_without_call apt-get && [[ -z $output ]]'

  new_machine && absent ninja-build
  on_machine scripts/install.sh
  check 'what is absent is installed, and that alone' succeeds_with_call 'install --no-install-recommends ninja-build$'
  check 'lists that are there are not fetched again' succeeds_without_call update

  new_machine && absent ninja-build && rm "$work/lists/mirror_Packages.lz4"
  on_machine scripts/install.sh
  check 'lists that are absent are fetched first' succeeds_with_call update

  new_machine && absent chromium
  on_machine scripts/install.sh
  check 'what a label needs is left out without the label' succeeds_without_call chromium
  on_machine scripts/install.sh browser
  check 'what a label needs is installed for the label' succeeds_with_call 'install.* chromium$'

  new_machine && absent ninja-build
  stub apt-get 'if [[ $* == *update* ]]; then touch fresh; elif [[ ! -e fresh ]]; then echo "E: Failed to fetch x  404  Not Found"; exit 100; fi'
  on_machine scripts/install.sh
  check 'lists that are too old are fetched, and the installation tried again' succeeds_with_call update
}

test_node() {
  new_machine && absent 'n[op][dm]*'
  on_machine scripts/install.sh
  check 'a Node.js that is there is kept' succeeds_without_call apt-get

  new_machine && absent 'n[op][dm]*' && rm "$work/bin/npm"
  on_machine scripts/install.sh
  check 'without npm both are installed' succeeds_with_call 'install.* nodejs npm$'

  new_machine && stub node 'echo v16.4.0'
  on_machine scripts/install.sh
  check 'a Node.js too old is named' fails_with 'is 16.4.0: the page needs Node.js 18'
}

test_install_errors() {
  new_machine && rm "$work/bin/apt-get"
  on_machine scripts/install.sh
  check 'no apt-get' fails_with 'apt-get is not here'

  new_machine && absent ninja-build && stub id 'echo 1000'
  on_machine scripts/install.sh
  check 'neither root nor sudo' fails_with 'neither root nor is sudo there: as root, run: apt-get install ninja-build'
  stub sudo 'exit 1'
  on_machine scripts/install.sh
  check 'sudo wants a password that nobody can type' fails_with 'sudo wants a password'
  stub sudo 'if [[ $1 == -n ]]; then shift; fi; "$@"'
  stub true ''
  on_machine scripts/install.sh
  check 'sudo that asks nothing is taken' succeeds_with_call 'install.* ninja-build$'

  new_machine && absent ninja-build && sed -i 's/12/11/' "$work/os-release"
  on_machine scripts/install.sh
  check 'a distribution too old' fails_with 'Debian GNU/Linux 11 (bookworm) is too old'

  new_machine && absent ninja-build && rm "$work/lists/mirror_Packages.lz4"
  stub apt-get 'echo "Err:1 mirror  Temporary failure resolving mirror"; exit 100'
  on_machine scripts/install.sh
  check 'no network' fails_with 'no network'

  stub apt-get "echo \"E: You don't have enough free space in /var/cache/apt/archives/.\"; exit 100"
  on_machine scripts/install.sh
  check 'no room, in the words of apt' fails_with 'disk full'

  stub df 'printf "Avail\n12\n"'
  on_machine scripts/install.sh
  check 'no room, as df sees it' fails_with 'disk full: /var/cache/apt has 12 MiB left'

  new_machine && absent ninja-build
  stub apt-get 'if [[ $* == *install* ]]; then echo "E: Unable to locate package ninja-build"; exit 100; fi'
  on_machine scripts/install.sh
  check 'a package that the distribution has not' fails_with 'this distribution has no package ninja-build'
}

test_build() {
  new_machine
  on_machine scripts/build.sh release paywarden
  check 'a target is built' succeeds_with_call 'cmake --build --preset release .*--target paywarden$'
  : >"$work/calls"
  on_machine scripts/build.sh release
  check 'what is configured is not configured again' succeeds_without_call 'cmake --preset release'

  stub cmake 'exit 1'
  on_machine scripts/build.sh release
  check 'a build that fails' fails_with 'the build (release) failed'
  stub df 'printf "Avail\n0\n"'
  on_machine scripts/build.sh release
  check 'a build on a full disk' fails_with 'disk full'
}

test_test() {
  new_machine
  on_machine ./test units
  check 'an unknown label is named, before any work' eval 'fails_with "no tests named '\''units'\''" && ! was_called cmake'

  on_machine ./test unit engine -- -R crc
  check 'labels and options reach ctest' succeeds_with_call 'ctest .*--label-regex ^(unit|engine)\$ -R crc$'
  check 'the summary of ctest stands last' eval '[[ $(tail -n 1 <<<"$output") == "100% tests passed" ]]'

  on_machine ./test
  check 'without a label all but soak are run' succeeds_with_call 'ctest .*--label-exclude ^soak\$$'

  new_machine
  stub ctest 'if [[ $* == *--print-labels* ]]; then echo "  unit"; echo "  center"; else echo "servers in ${PAYWARDEN_TEST_VENV:-none}"; fi'
  on_machine ./test unit
  check 'without the label center no servers are fetched' eval 'succeeds_without_call ^python && [[ $output == *"servers in none" ]]'
  on_machine ./test center
  check 'with it they are, and the tests are told' eval 'succeeds_with_call "pip install.*test-requirements.txt" && [[ $output == *"servers in $work/clone/build/test-venv" ]]'
  : >"$work/calls"
  on_machine ./test center
  check 'what is there is not fetched again' eval 'succeeds_without_call ^python && [[ $output == *"servers in $work/clone/build/test-venv" ]]'
  rm -rf "$work/clone/build/test-venv" && touch "$work/clone/no_network"
  on_machine ./test center
  check 'without a network it says so and goes on' eval 'succeeds && [[ $output == *"will be skipped"*"No matching distribution"*"servers in none" ]]'

  new_machine
  stub ctest 'echo "  unit"; echo "  kafka"'
  on_machine ./test unit
  check 'without the label kafka no Kafka is fetched' succeeds_without_call ^mvn
  on_machine ./test kafka
  check 'with it it is' succeeds_with_call '^mvn .*kafka-pom.xml dependency:copy-dependencies'
  : >"$work/calls"
  on_machine ./test kafka
  check 'what is there is not fetched again' succeeds_without_call ^mvn
  echo '<!-- another version -->' >>"$work/clone/scripts/kafka-pom.xml"
  on_machine ./test kafka
  check 'another version is' succeeds_with_call ^mvn
  rm -rf "$work/clone/build/kafka" && touch "$work/clone/no_network"
  on_machine ./test kafka
  check 'without a network it says so and goes on' eval 'succeeds && [[ $output == *"with Kafka will be skipped"*"Could not resolve"* ]]'
  rm "$work/clone/no_network" && stub java 'echo "Exception: no class"; exit 1'
  on_machine ./test kafka
  check 'a Kafka that does not run fails' fails_with 'Kafka cannot format its storage (Exception: no class)'

  new_machine
  on_machine ./test unit kafka
  check 'a label without tests fails' fails_with "no test carries the label 'kafka'"

  on_machine ./test tsan
  check 'tsan builds its preset and runs the unit tests' succeeds_with_call 'ctest --test-dir build/tsan .*--label-regex ^(unit)\$'

  stub ctest 'if [[ $* == *--print-labels* ]]; then echo "  unit"; else exit 8; fi'
  on_machine ./test unit
  check 'the status of ctest is the status of ./test' eval '[[ $status == 8 ]]'
}

test_run() {
  new_machine
  mkdir -p "$work/clone/build/release"
  printf '#!/bin/bash\necho "paywarden $*"\nexit 3\n' >"$work/clone/build/release/paywarden"
  chmod +x "$work/clone/build/release/paywarden"
  on_machine ./run --for 30s --port 8090
  check 'run hands its options on' eval '[[ $output == *"paywarden demo --for 30s --port 8090" ]]'
  check 'run ends with the status of the program' eval '[[ $status == 3 ]]'
}

test_shellcheck() {
  new_machine
  status=0
  output=$(cd "$root" && shellcheck --external-sources run test .ci/run scripts/*.sh tools/*.sh src/app/tests/*.sh \
    package/debian/p* package/tests/*.sh 2>&1) || status=$?
  check 'shellcheck finds nothing' succeeds
}

test_install
test_node
test_install_errors
test_build
test_test
test_run
test_shellcheck
echo "$failures failed"
exit $((failures > 0))
