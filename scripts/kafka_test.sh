#!/usr/bin/env bash
# The brokers of scripts/kafka.sh do what the tests with Kafka rely on.
#
#   kafka_test.sh one      a broker: TLS and sign-in, rights, restart, pause; it ends with its owner, and leaves no process
#   kafka_test.sh three    three of them: all goes on while any one is dead
set -euo pipefail

command -v kcat >/dev/null || { echo "skipped: kcat sends and receives here"; exit 77; }
kafka=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/kafka.sh
work=$(mktemp -d)

leave() {
  "$kafka" stop "$work/a"
  "$kafka" stop "$work/b"
  rm -rf "$work"
}
trap leave EXIT

wrong() {
  tail -n 20 "$work"/*/kafka-?.log || true
  echo "FAIL  $*"
  exit 1
}

# wants WHAT EXPECTED ACTUAL
wants() {
  if [[ $3 != "$2" ]]; then wrong "$1: '$3' instead of '$2'"; fi
  echo "ok    $1"
}

client() { timeout 60 kcat -b "$(<"$work/a/bootstrap")" "$@"; }

# signed_in USER PASSWORD OPTION...
signed_in() {
  timeout 60 kcat -b "$(<"$work/a/bootstrap-sasl")" -X security.protocol=SASL_SSL -X sasl.mechanisms=PLAIN \
    -X ssl.ca.location="$work/a/ca.pem" -X sasl.username="$1" -X sasl.password="$2" "${@:3}"
}

# says WORDS COMMAND...: whether its output has those words, however it ends.
says() {
  local output
  output=$("${@:2}" 2>&1) || true
  if grep -qiF "$1" <<<"$output"; then echo yes; else echo "no: $output"; fi
}

# To the end of the topic, in order of value.
all_of() { "${@:2}" -C -q -e -o beginning -t "$1" | sort | paste -sd ' '; }

processes_of() {
  local file
  for file in /proc/[0-9]*/cmdline; do
    if [[ $(tr -d '\0' <"$file") == *"$1"* ]]; then echo "$file"; fi
  done 2>/dev/null
}

wants_no_process() {
  for _ in $(seq 100); do
    if [[ -z $(processes_of "$2") ]]; then break; fi
    sleep 0.1
  done
  wants "$1" '' "$(processes_of "$2")"
}

# Another broker starts at the same time, and its owner is killed.
start_beside_another() {
  # shellcheck disable=SC2016 # the arguments are the other shell's
  bash -c '"$1" start "$2" && cp "$2/kafka-1.pid" "$2/ran" && kill -KILL $$' owner "$kafka" "$work/b" &
  local owner=$! status=0
  "$kafka" start "$work/a" --sasl message.max.bytes=50000
  wait "$owner" || status=$?
  wants 'the other broker has started, and its owner is killed' "$((128 + 9)) yes" "$status $([[ -s $work/b/ran ]] && echo yes)"
  wants_no_process 'a broker ends with its owner' "$work/b"
}

test_signing_in() {
  echo tls | signed_in paywarden paywarden-secret -P -t payments
  wants 'the reader reads' 'plain tls' "$(all_of payments signed_in reader reader-secret)"
  wants 'but may not send' yes "$(echo no | says 'Topic authorization failed' signed_in reader reader-secret -P -t payments)"
  wants 'a wrong password is refused' yes "$(says 'Authentication failed' signed_in reader wrong -L -m 2)"
  "$kafka" deny "$work/a" reader read topic payments
  wants 'a right can be taken away' yes "$(says 'Topic authorization failed' signed_in reader reader-secret -C -e -t payments)"
}

test_one() {
  start_beside_another
  "$kafka" topics "$work/a" payments:1:retention.ms=100000000
  echo plain | client -P -t payments
  wants 'what is sent can be read' plain "$(all_of payments client)"
  wants 'a setting of the command line counts' yes "$(head -c 60000 /dev/zero | tr '\0' x | says 'too large' client -P -t payments)"
  test_signing_in

  local before
  before=$(<"$work/a/bootstrap")
  "$kafka" restart "$work/a"
  wants 'a restart keeps the messages' 'plain tls' "$(all_of payments client -b "$before")"
  "$kafka" pause "$work/a" 1
  wants 'a paused broker does not answer' silent "$(client -L -m 2 >/dev/null 2>&1 || echo silent)"
  "$kafka" resume "$work/a" 1
  wants 'a resumed one does' 'plain tls' "$(all_of payments client)"
  "$kafka" stop "$work/a"
  wants_no_process 'a stopped one leaves no process' "$work/a"
}

# What a topic holds, once it is as wanted, or after 20 s: a new leader tells readers of a message only when another replica has asked it
# for more.
all_in_time() {
  local wanted=$1 got='' end=$((SECONDS + 20))
  shift
  while got=$(all_of "$@") && [[ $got != "$wanted" ]] && ((SECONDS < end)); do sleep 0.2; done
  echo "$got"
}

test_three() {
  "$kafka" start "$work/a" --brokers 3
  "$kafka" topics "$work/a" payments:3
  echo 1 | client -P -t payments
  "$kafka" kill "$work/a" 1
  echo 2 | client -P -t payments
  wants 'without broker 1 all goes on' '1 2' "$(all_in_time '1 2' payments client)"
  "$kafka" restart "$work/a" 1
  "$kafka" kill "$work/a" 3
  echo 3 | client -P -t payments
  wants 'with it, without broker 3, too' '1 2 3' "$(all_in_time '1 2 3' payments client)"
  "$kafka" stop "$work/a"
  wants_no_process 'they leave no process' "$work/a"
}

"test_${1?one or three}"
