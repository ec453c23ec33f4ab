#!/usr/bin/env bash
# What an operator meets with Kafka: each mistake ends `paywarden serve` within 10 s, with exit code 1 and one line on standard
# error that says what, where and what to do, and names no secret. Rights that are missing later, and brokers that do not
# answer, are said in the log, seldom; afterwards no payment is lost and none decided twice.
#
#   kafka_errors.sh PROGRAM PROJECT_ROOT
set -euo pipefail

program=$(realpath "$1") root=$(realpath "$2") script=$(realpath "$0")
# shellcheck source=src/app/tests/program.sh disable=SC2154 # `work`
source "$root/src/app/tests/program.sh"
kafka=$root/scripts/kafka.sh
command -v kcat >/dev/null || { echo "skipped: there is no kcat"; exit 77; }
unset PAYWARDEN_CARD_KEY  # the caller's would be taken before the files'

start_broker() {
  use_work_folder
  trap '"$kafka" stop "$work/kafka"; leave' EXIT
  "$kafka" start "$work/kafka" --sasl --owner $$ log.retention.check.interval.ms=500 \
    transaction.partition.verification.enable=false || exit
  plain=$(<kafka/bootstrap) signed=$(<kafka/bootstrap-sasl)
}

ENDS_WITHIN_S=10
SECRETS='paywarden-secret|reader-secret|not-the-password'
cases=0 failures=0

# wrong CASE TEXT: counts a failure and shows what the program said.
wrong() {
  failures=$((failures + 1))
  echo "FAILED $1: $2"
  tail -n 12 err | sed 's/^/    | /'
}

no_secrets() {
  if grep -qE "$SECRETS" err; then wrong "$1" "a secret is named"; fi
}

# says CASE PHRASE...: `serve` with now.toml ends in time, with 1 and one line that holds every phrase.
says() {
  local name=$1 status=0 line phrase begun
  shift
  cases=$((cases + 1))
  begun=$(date +%s%N)
  timeout 30 "$program" serve --config now.toml --port 0 >out 2>err </dev/null || status=$?
  echo "$name: $((($(date +%s%N) - begun) / 1000000)) ms"
  (($(date +%s%N) - begun <= ENDS_WITHIN_S * 1000000000)) || wrong "$name" "it took longer than $ENDS_WITHIN_S s"
  no_secrets "$name"
  line=$(grep -v '^{' err || true)
  [[ $status == 1 ]] || { wrong "$name" "exit code $status instead of 1"; return; }
  [[ $line == "paywarden: "* && $line != *$'\n'* && $(tail -n 1 err) == "$line" ]] || { wrong "$name" "not one line at the end"; return; }
  for phrase in "$@"; do
    [[ $line == *"$phrase"* ]] || { wrong "$name" "does not say '$phrase'"; return; }
  done
}

# says_away CASE PHRASE...: `serve` waits for brokers that only do not answer; within ten seconds its log says so, and a stop ends it.
says_away() {
  local name=$1 phrase begun=$SECONDS
  shift
  cases=$((cases + 1))
  : >server.log
  "$program" serve --config now.toml --port 0 2>server.log >out </dev/null &
  server=$!
  until grep -q '"event":"brokers_away"' server.log || ((SECONDS - begun > ENDS_WITHIN_S)); do sleep 0.1; done
  echo "$name: said after $((SECONDS - begun)) s"
  for phrase in "$@"; do
    grep '"event":"brokers_away"' server.log | grep -qF -- "$phrase" || { cp server.log err; wrong "$name" "does not say '$phrase'"; }
  done
  kill "$server"
  wait "$server" || { cp server.log err; wrong "$name" "a stop while it waits: exit code $?"; }
  server=
  cp server.log err
  no_secrets "$name"
}

# settings [LINE...]: now.toml, with those lines in [kafka].
settings() {
  { cat demo.toml && printf '%s\n' '[log]' 'kind = "kafka"' '[kafka]' 'properties_file = "now.properties"' 'instance = "1"' \
    'partitions = 1' 'transaction_timeout = "5s"' 'group = "group"' "$@"; } >now.toml
  rm -rf data
  mkdir -p data && cp card.key data/
}

signed_in() {
  printf '%s\n' "bootstrap.servers=$signed" "security.protocol=SASL_SSL" "sasl.mechanisms=PLAIN" "sasl.username=$1" "sasl.password=$2" \
    "ssl.ca.location=$3" "session.timeout.ms=6000" >now.properties
}

plainly() { printf '%s\n' "bootstrap.servers=$plain" "session.timeout.ms=6000" "$@" >now.properties; }

visible() { kcat -b "$plain" -C -q -e -o beginning -X isolation.level=read_committed -t "$1" "${@:2}"; }
outcomes() { for kind in decisions rejects others; do visible "paywarden.$kind" -f '%h\n'; done; }
# Each line once, also where the broker is away meanwhile.
send_slowly() {
  local at
  for ((at = 1; at <= $(wc -l <"$1"); at += 50)); do tail -n "+$at" "$1" | head -n 50 && sleep 0.1; done |
    kcat -E -b "$plain" -P -t payments -X linger.ms=5 -X reconnect.backoff.max.ms=500 -X enable.idempotence=true \
      -X message.timeout.ms=120000 2>/dev/null
}
send() { kcat -b "$plain" -P -t payments -X linger.ms=5; }

# decided COUNT: waits until so many records have an outcome.
decided() {
  local seen=0
  for _ in $(seq 60); do
    seen=$(outcomes 2>/dev/null | wc -l)
    ((seen >= $1)) && return
    sleep 0.5
  done
  cp server.log err
  wrong "outcomes" "$seen of $1 records have an outcome"
}

# each_once COUNT CASE
each_once() {
  outcomes | sort >inputs
  [[ $(wc -l <inputs) == "$1" && $(uniq -d inputs | wc -l) == 0 ]] ||
    { cp server.log err; wrong "$2" "$(sort -u inputs | wc -l) records have an outcome, of $1; twice: $(uniq -d inputs | wc -l)"; }
}

# says_seldom CASE SECONDS LINES PHRASE...: the running server's log holds the phrases, and grows by no more lines than that.
says_seldom() {
  local name=$1 seconds=$2 most=$3 before lines phrase
  shift 3
  cases=$((cases + 1))
  for _ in $(seq 100); do
    grep -q -- "$1" server.log && break
    sleep 0.1
  done
  before=$(wc -l <server.log)
  sleep "$seconds"
  lines=$(($(wc -l <server.log) - before))
  echo "$name: $lines lines in $seconds s"
  cp server.log err
  ((lines <= most)) || wrong "$name" "$lines lines in $seconds s"
  no_secrets "$name"
  for phrase in "$@"; do
    grep -q -- "$phrase" server.log || { wrong "$name" "does not say '$phrase'"; return; }
  done
}

run_server() {
  : >server.log
  start serve --config now.toml
}

# --- A broker whose disk is full: on a small file system in a mount namespace, which this script enters once more, alone.

full_disk() {
  local try own_mounts=
  mkdir -p small
  for try in "unshare --mount" "unshare --mount --map-root-user"; do
    if $try mount -t tmpfs -o size=3m tmpfs small 2>/dev/null; then own_mounts=$try && break; fi
  done
  [[ -n $own_mounts ]] || { echo "a broker's full disk was not tested: this user may not mount"; return; }
  cases=$((cases + 1))
  # shellcheck disable=SC2086 # two words
  $own_mounts "$script" "$program" "$root" "$work" || { : >err; wrong "a broker's full disk" "see above"; }
}

inside_full_disk() {
  local number before
  cd "$1"
  mount -t tmpfs -o size=24m tmpfs small
  # shellcheck disable=SC2064 # now
  trap "'$kafka' stop '$1/small/kafka'; if [[ -n \$server ]]; then kill -KILL \$server; fi" EXIT
  "$kafka" start small/kafka --owner $$ || exit
  plain=$(<small/kafka/bootstrap)
  "$kafka" topics small/kafka payments:1 filler:1
  settings
  plainly
  send <payments.ndjson
  run_server
  decided 3000
  head -n 5000 history.ndjson | tail -n 2000 >more.ndjson
  send_slowly more.ndjson &
  sender=$!
  # All that the disk holds: the broker ends, in the middle of decisions.
  for number in {1..60}; do
    head -c 900000 /dev/zero | kcat -b "$plain" -P -t filler -X message.timeout.ms=3000 -X compression.codec=none 2>/dev/null || break
  done
  before=$(wc -l <server.log)
  sleep 5
  echo "a broker's full disk: $(($(wc -l <server.log) - before)) lines in 5 s"
  (($(wc -l <server.log) - before <= 25)) || { tail -n 30 server.log; echo "a tight loop"; exit 1; }
  [[ ! -e small/kafka/kafka-1.pid ]] || { tail -n 5 small/kafka/kafka-1.log; echo "the broker did not end, $number"; exit 1; }
  mount -o remount,size=200m small
  "$kafka" restart small/kafka 1
  wait "$sender"
  decided 5000
  each_once 5000 "a broker's full disk"
  stop
  # What only the broker knew and has forgotten ('A transaction that does not end' in docs/OPERATIONS.md): rare, and said.
  if ((failures > 0)) && grep -q 'likely deleted already and hence can be skipped' small/kafka/kafka-1.log &&
    grep -q 'commit_failed' server.log && grep -q 'a transaction keeps the offsets of group .* open' server.log &&
    [[ $(outcomes | sort | uniq -d) == '' ]]; then
    echo "a broker's full disk: the broker has forgotten a transaction whose end was never answered, and Paywarden says so"
    failures=0
  fi
  ((failures == 0))
}

if (($# == 3)); then
  inside_full_disk "$3"
  exit
fi
start_broker

small_demo "$root"
"$program" simulate --payments 20000 --customers 300 --out history.ndjson 2>err || { cat err; exit 1; }
"$program" train --config demo.toml --data history.ndjson --out model 2>err || { cat err; exit 1; }
head -n 3000 history.ndjson >payments.ndjson
(umask 077 && printf '0123456789abcdef0123456789abcdef\n' >card.key)

# --- The properties file.

settings
plainly 'fetch.wait.max.msec=5'
says "an unknown property" "now.properties: there is no property 'fetch.wait.max.msec'" "remove what librdkafka does not know"
plainly 'session.timeout.ms.x=not-the-password'
says "an unknown property with a secret" "no property 'session.timeout.ms.x'"
plainly 'security.protocol=not-the-password'
says "a value that is not taken" "now.properties: the value of 'security.protocol' is not taken" "its CONFIGURATION.md has names and values"
plainly 'enable.auto.commit=true'
says "a property that is ours" "now.properties:3: 'enable.auto.commit' is set by Paywarden itself; remove the line"
plainly "sasl.password=\${PAYWARDEN_NOT_SET}"
says "a variable that is not set" "now.properties:3: the environment has no variable 'PAYWARDEN_NOT_SET'; set it where the program starts"
rm now.properties
says "no properties file" "now.properties: " "the properties file"

# --- Who cannot be reached.

printf 'bootstrap.servers=127.0.0.1:19\n' >now.properties
says_away "no broker" "Kafka at 127.0.0.1:19: no broker answers" "Connection refused" "check bootstrap.servers"
signed_in paywarden not-the-password kafka/ca.pem
says "a wrong password" "Kafka at $signed: no broker answers" "check sasl.mechanisms, sasl.username and sasl.password"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=another CA' -keyout other.key -out other.pem 2>/dev/null
signed_in paywarden paywarden-secret other.pem
says "another CA" "Kafka at $signed: no broker answers" "certificate" "check ssl.ca.location"
printf 'bootstrap.servers=%s\n' "$signed" >now.properties
says_away "no TLS where the broker wants it" "Kafka at $signed: no broker answers" "check"

# --- Topics.

settings 'create_topics = false'
plainly
says "an absent topic" "there is no topic 'paywarden.groups'" "make it, or set kafka.create_topics = true"
settings
signed_in reader reader-secret kafka/ca.pem
says "topics that may not be made" "the topic 'paywarden.groups' cannot be made: " "make it by other means, or let the user make topics"
plainly
says "no payments topic" "there is no topic 'payments'" "make it where your payments come from"
"$kafka" topics kafka compacted:1:cleanup.policy=compact both:1:cleanup.policy=delete,compact several:3 payments:1 \
  paywarden.decisions:1 paywarden.rejects:1 paywarden.others:1 paywarden.alerts:1
plainly
for topic in compacted both; do
  settings "payments_topic = \"$topic\""
  says "a topic: $topic" "$topic: the topic is compacted" "set its cleanup.policy to delete"
done
settings 'labels_topic = "labels"'
says "labels of their own without stages" "now.toml:" "labels_topic needs stages" "add a [[kafka.stage]]"
settings 'payments_topic = "several"' 'http_payments = true' 'keyed_by = "card"'
says "HTTP before a topic that is keyed otherwise" "now.toml: kafka.http_payments: payments that come over HTTP" "3 partitions" "[[kafka.stage]]"
settings 'payments_topic = "several"' 'keyed_by = "device"'
says "features by another field" "now.toml: the feature '" "counts by " "3 partitions of 'several'" "give it a [[kafka.stage]]"
settings 'payments_topic = "several"' 'keyed_by = "card"' 'center = true'
sed -i '/^by = "device"/s/device/card/; /^by = "merchant"/s/merchant/card/; /^directory = "model"/d' now.toml
says "verdicts over several partitions" "kafka.center: labels, which verdicts become, are keyed by the card's token, and those of 'several' by something else" \
  "3 partitions; give it a [[kafka.stage]] keyed by \"card\""

settings 'payments_topic = "paymnets"'
says "a misspelt payments topic" "there is no topic 'paymnets'; did you mean 'payments'?"

# --- Others of the group, and another group.

settings 'alerts_topic = "alerts-of-a-trial"'
sed -i 's/^group = "group"/group = "trial"/' now.toml
says "a second group with the same topics" "kafka.group: the topic 'paywarden.decisions' is written by the group 'group'" \
  "topics of its own" "take 'topic:paywarden.decisions' in 'paywarden.groups' back"
settings
(umask 077 && printf 'another-key-another-key-another1\n' >data/card.key)
says "another card key" "intake.card_key_file: the card key is not the one of the group 'group'" "the same key file"

# --- The right password.

settings
signed_in paywarden paywarden-secret kafka/ca.pem
head -n 500 payments.ndjson | send
run_server
decided 500
each_once 500 "over SASL_SSL"
stop
cp server.log err
no_secrets "over SASL_SSL"

# --- Rights that are missing: they may come, so the program waits for them.

signed_in reader reader-secret kafka/ca.pem
"$kafka" allow kafka reader read topic paywarden.groups
head -n 1000 payments.ndjson | tail -n 500 | send
run_server
says_seldom "no right to the transactional id" 4 20 "the transactional id 'group-decide-1' cannot be taken: " "let the user write with the transactional id 'group-decide-1'"
"$kafka" allow kafka reader write transaction '*'
says_seldom "no right to write the decisions" 4 20 "Topic authorization failed" "let the user write the topics .*paywarden.decisions"
for kind in decisions rejects others alerts; do "$kafka" allow kafka reader write topic "paywarden.$kind"; done
decided 1000
"$kafka" deny kafka reader read topic payments
head -n 1500 payments.ndjson | tail -n 500 | send
says_seldom "no right to read the payments" 4 20 "kafka_read_failed" "the topic 'payments' cannot be read: .*Topic authorization failed" \
  "let the user read"
stop
signed_in paywarden paywarden-secret kafka/ca.pem
run_server
decided 1500
each_once 1500 "rights"

# --- A broker that does not answer for longer than every timeout, while payments are being decided.

head -n 2200 payments.ndjson | tail -n 700 >now.ndjson
send_slowly now.ndjson &
sender=$!
sleep 0.8
"$kafka" pause kafka 1
says_seldom "a broker that does not answer" 12 25 "commit_failed\|SESSTMOUT" '"event":"brokers_away"'
ready=$(curl -s "$url/readyz")
[[ $ready == "not ready: no broker answers"* ]] || wrong "a broker that does not answer" "/readyz says '$ready'"
"$kafka" resume kafka 1
wait "$sender"
tail -n 800 payments.ndjson | send
decided 3000
for _ in $(seq 100); do
  [[ $(curl -s "$url/readyz") == ready ]] && break
  sleep 0.1
done
[[ $(curl -s "$url/readyz") == ready ]] || wrong "a broker that answers again" "/readyz says $(curl -s "$url/readyz")"
each_once 3000 "a broker that did not answer"

# --- A committed transaction that the broker does not end at the offsets: Kafka 4 may do that where all replicas were away.

cases=$((cases + 1))
kill -STOP "$server"
sleep 8 # the group's session is over, and so is the transaction
"$kafka" hang kafka "group" "group-decide-1" payments 3000
tail -n 20 payments.ndjson | send
kill -CONT "$server"
decided 3020
each_once 3020 "a transaction that does not end"
grep -q '"event":"committed_again","stage":"decide"' server.log || wrong "a transaction that does not end" "it ended by itself"

stop

# --- A topic that has forgotten payments before they were decided.

cases=$((cases + 1))
"$kafka" topics kafka short:1:retention.ms=1000:segment.ms=1000
settings 'payments_topic = "short"'
plainly
head -n 100 payments.ndjson | kcat -b "$plain" -P -t short
run_server
decided 3120
stop
head -n 200 payments.ndjson | tail -n 100 | kcat -b "$plain" -P -t short
for _ in $(seq 100); do
  [[ -z $(kcat -b "$plain" -C -q -e -o beginning -t short) ]] && break
  sleep 0.2
done
run_server
tail -n 50 payments.ndjson | kcat -b "$plain" -P -t short
decided 3170
each_once 3170 "a topic that forgets"
grep -q '"event":"records_forgotten","stage":"decide","partition":"0","from":"100","to":"200","remedy":"they are not decided: ' server.log ||
  wrong "a topic that forgets" "it does not say what is lost"

"$kafka" pause kafka 1
sleep 2
begun=$SECONDS
stop
echo "a stop without a broker: $((SECONDS - begun)) s"
((SECONDS - begun <= 30)) || wrong "a stop without a broker" "it took $((SECONDS - begun)) s"

full_disk
echo "$cases cases, $failures failures"
[[ $failures == 0 ]]
