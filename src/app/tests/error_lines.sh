#!/usr/bin/env bash
# What can go wrong for an operator ends in one line on standard error that says what, where and what to do, with exit code 1:
# each case runs the program and asserts the line. Lines that begin with '{' are the operator's log and stand before it.
#
#   error_lines.sh PROGRAM PROJECT_ROOT
# shellcheck disable=SC2016,SC2086 # words that are to be split, and scripts for another shell
set -euo pipefail

program=$(realpath "$1") root=$(realpath "$2")
# shellcheck source=src/app/tests/program.sh
source "$(dirname "${BASH_SOURCE[0]}")/program.sh"
use_work_folder
server_log=server.err
unset PAYWARDEN_CARD_KEY

cases=0 failures=0

# wrong CASE TEXT: counts a failure and shows what the last command said.
wrong() {
  failures=$((failures + 1))
  echo "FAILED $1: $2"
  sed 's/^/    | /' err
}

# says CASE PHRASE... -- COMMAND...: the command ends with 1 and one line that holds every phrase.
says() {
  local name=$1 phrases=() status=0
  shift
  while [[ $1 != -- ]]; do
    phrases+=("$1")
    shift
  done
  shift
  cases=$((cases + 1))
  "$@" >out 2>err </dev/null || status=$?
  check_line "$name" 1 "$status" "${phrases[@]}"
}

# refuses CASE PHRASE -- ARGUMENT...: a wrong command line ends with 2 and one line that holds the phrase.
refuses() {
  local name=$1 phrase=$2 status=0
  shift 3
  cases=$((cases + 1))
  timeout 30 "$program" "$@" >out 2>err </dev/null || status=$?
  check_line "$name" 2 "$status" "$phrase" "see paywarden --help"
}

check_line() {
  local name=$1 expected=$2 status=$3 line phrase
  shift 3
  line=$(grep -v '^{' err || true)
  [[ $status == "$expected" ]] || { wrong "$name" "exit code $status instead of $expected"; return; }
  [[ $line == "paywarden: "* && $line != *$'\n'* && $(tail -n 1 err) == "$line" ]] ||
    { wrong "$name" "not one line at the end"; return; }
  for phrase in "$@"; do
    [[ $line == *"$phrase"* ]] || { wrong "$name" "does not say '$phrase'"; return; }
  done
}

# works CASE COMMAND...: the command ends with 0.
works() {
  local name=$1 status=0
  shift
  cases=$((cases + 1))
  "$@" >out 2>err </dev/null || status=$?
  [[ $status == 0 ]] || wrong "$name" "exit code $status instead of 0"
}

# variant NAME SED: config/NAME.toml, changed and really different.
variant() {
  sed "$2" config/demo.toml >"config/$1.toml"
  if cmp -s config/demo.toml "config/$1.toml"; then
    echo "config/demo.toml has changed: nothing fits '$2'"
    exit 1
  fi
}

line_of() { grep -n -m 1 -e "$1" "$2" | cut -d: -f1; }

# --- A small world: a configuration, payments of 300 customers (so that weeks pass), a model.

mkdir config
cp "$root"/config/demo* config/
sed -i 's/^trees = .*/trees = 10/; s/^rate = .*/rate = 0/; s/^directory = .*/directory = "..\/model"/' config/demo.toml
printf '\n[data]\ndirectory = "data"\ndisk_free_min = 0\n' >>config/demo.toml
"$program" simulate --payments 20000 --customers 300 --out payments.ndjson 2>err || { cat err; exit 1; }
"$program" train --config config/demo.toml --data payments.ndjson --out model 2>err || { cat err; exit 1; }

paywarden() { timeout 30 "$program" "$@"; }
serve() { paywarden serve --config "config/$1.toml" --port 0 --for 1s; }
replay() { paywarden replay --config config/demo.toml --model model --data "$1" --out decisions.ndjson; }

# --- The command line.

refuses "no subcommand" "A subcommand is required" --
refuses "unknown subcommand" "there is no subcommand 'srve'; did you mean 'serve'?" -- srve
refuses "unknown option" "--prt" -- serve --config config/demo.toml --prt 3
refuses "option missing" "--config is required" -- serve
refuses "no port" "--port" -- serve --config config/demo.toml --port 70000
refuses "no file of payments" "o.xyz' must end with .ndjson or .csv" -- simulate --payments 10 --out o.xyz
[[ ! -e o.xyz ]] || wrong "no file of payments" "it was made"
refuses "no number" "--port" -- serve --config config/demo.toml --port high
refuses "no duration" "'soon' is not a duration" -- serve --config config/demo.toml --for soon

# --- The configuration.

says "no configuration" "config/absent.toml: the configuration file is not there" "name one with --config" -- serve absent

variant syntax 's/^rate = 0/rate = = 0/'
says "TOML syntax" "config/syntax.toml:$(line_of '^rate = =' config/syntax.toml): " "could not determine value type" "see https://toml.io" -- \
  serve syntax

variant type 's/^trees = 10/trees = "ten"/'
says "wrong type" "config/type.toml:$(line_of '^trees' config/type.toml): training.trees must be a whole number from 1 to 5000" -- \
  serve type

variant range 's/^trees = 10/trees = 100000/'
says "out of range" "config/range.toml:$(line_of '^trees' config/range.toml): training.trees must be a whole number from 1 to 5000" -- \
  serve range

variant key 's/^trees = 10/tres = 10/'
says "unknown key" "config/key.toml:$(line_of '^tres' config/key.toml): training.tres is an unknown key" "did you mean 'trees'?" -- \
  serve key

variant schema_key 's/^card_kind = /card_knd = /'
says "unknown key of the schema" "config/schema_key.toml:$(line_of '^card_knd' config/schema_key.toml): unknown key 'card_knd'" \
  "known are: name, currency, card_kind" -- serve schema_key

variant table 's/^\[simulate\]/[simulat]/'
says "unknown table" "config/table.toml:$(line_of '^\[simulat\]' config/table.toml): simulat is an unknown key" "did you mean 'simulate'?" -- \
  serve table

variant strange_table 's/^\[simulate\]/[weather]/'
says "unknown table like no other" "config/strange_table.toml:" "weather is an unknown key" "see docs/CONFIGURATION.md" -- \
  serve strange_table

variant operation 's/^operation = "weekday"/operation = "wekday"/'
says "unknown operation" \
  "config/operation.toml:$(line_of wekday config/operation.toml): feature 'weekday': there is no operation 'wekday'" \
  "see docs/CONFIGURATION.md" -- serve operation

variant features_key 's/^label_delay = /label_dely = /'
says "unknown key of the features" "config/features_key.toml:$(line_of '^label_dely' config/features_key.toml): unknown key 'features.label_dely'" \
  "did you mean 'label_delay'?" -- serve features_key

variant feature_key '0,/^why = /s/^why = /whyy = /'
says "unknown key of a feature" "config/feature_key.toml:$(line_of '^whyy' config/feature_key.toml): " "unknown key 'whyy'" "did you mean 'why'?" -- \
  serve feature_key

variant page_url 's/^\[data\]/[notify]\npage_url = "paywarden.bank.example"\n\n[data]/'
says "a page address that is none" "config/page_url.toml:$(line_of page_url config/page_url.toml): notify.page_url must be an address" \
  "give what people type to reach the page" -- serve page_url
variant one_email 's/^\[data\]/[notify.email]\nhost = "mail.example"\n\n[data]/'
says "a channel that is no list" "config/one_email.toml:$(line_of 'notify.email' config/one_email.toml): notify.email must be a list of tables" \
  "begin each with [[notify.email]]" -- serve one_email

variant archive_folder 's/^\[data\]/[archive]\nkind = "folder"\n\n[data]/'
says "an archive without a folder" "config/archive_folder.toml:$(line_of '^\[archive\]' config/archive_folder.toml): archive.directory is missing" \
  "name the folder that the objects go to" -- serve archive_folder
variant archive_bucket 's/^\[data\]/[archive]\nkind = "s3"\nbucket = "no bucket"\n\n[data]/'
says "an archive in no bucket" "config/archive_bucket.toml:$(line_of '^bucket' config/archive_bucket.toml): archive.bucket is no bucket's name" \
  "3 to 63 letters" -- serve archive_bucket
variant archive_endpoint 's/^\[data\]/[archive]\nkind = "s3"\nbucket = "abc"\nendpoint = "minio:9000"\n\n[data]/'
says "an archive at no address" "config/archive_endpoint.toml:$(line_of '^endpoint' config/archive_endpoint.toml): archive.endpoint is no address" \
  "write it as \"https://host:port\"" -- serve archive_endpoint

variant plaintext 's/^rate = 0/rate = 0\n[http]\naddress = "0.0.0.0"/'
says "plain HTTP for all" "http.address: refusing to listen on 0.0.0.0 without TLS" "give a certificate and key file, listen on 127.0.0.1, or set http.allow_plaintext" -- \
  serve plaintext

# --- What the configuration names: the card key, rules, lists, the model.

variant card_key 's/^\[data\]/[intake]\ncard_key_file = "card.key"\n\n[data]/'
says "no card key" "config/card.key: the card key file: cannot open: No such file" "openssl rand -hex 32" -- serve card_key
echo short >config/card.key
says "short card key" "config/card.key: the card token key 'card.key' has 5 bytes" "use at least 16 random bytes: openssl rand -hex 32" -- \
  serve card_key

cp config/demo.rules config/wrong.rules
echo 'rule big: review if amout > 3' >>config/wrong.rules
variant wrong_rules 's/demo\.rules/wrong.rules/'
says "error in the rules" "config/wrong.rules:$(line_of amout config/wrong.rules):21: " "there is no field or feature 'amout'" \
  "did you mean 'amount'?" -- serve wrong_rules

variant absent_rules 's/demo\.rules/absent.rules/'
says "no rules" "config/absent.rules: the rules: cannot open: No such file" "correct its name in the configuration" -- serve absent_rules
variant absent_list 's/demo-blocked\.list/absent.list/'
says "no list" "config/absent.list: the list 'blocked': cannot open: No such file" "correct its name in the configuration" -- serve absent_list

says "no model" "absent/bundle.json: cannot read the file: No such file" "check the path and its permissions" -- \
  paywarden replay --config config/demo.toml --model absent --data payments.ndjson --out decisions.ndjson
variant absent_model 's/"\.\.\/model"/"..\/absent"/'
says "no model to serve" "absent/bundle.json: cannot read the file: No such file" "check the path and its permissions" -- \
  serve absent_model

python3 - <<'END'
text = open("config/demo.toml").read()
begin = text.index('[[feature]]\nname = "weekday"')
open("config/fewer_features.toml", "w").write(text[:begin] + text[text.index("[[feature]]", begin + 1):])
END
"$program" train --config config/fewer_features.toml --data payments.ndjson --out other_model 2>err || { cat err; exit 1; }
variant mismatch 's/"\.\.\/model"/"..\/other_model"/'
says "model of other features" "other_model: the model does not match" "the model does not know 'weekday'" \
  "train a model with this configuration, or restore the configuration that it was trained with" -- serve mismatch

damage_byte() {  # FILE OFFSET
  python3 - "$1" "$2" <<'END'
import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(int(sys.argv[2]))
    byte = file.read(1)[0]
    file.seek(int(sys.argv[2]))
    file.write(bytes([byte ^ 1]))
END
}

cp -r model damaged_model
damage_byte damaged_model/model.json 1000
variant damaged_model 's/"\.\.\/model"/"..\/damaged_model"/'
says "damaged model file" "damaged_model: the bundle's files do not match SHA256SUMS" "copy or train it again" "names the file" -- \
  serve damaged_model

cp -r model damaged_bundle
truncate -s 300 damaged_bundle/bundle.json
variant damaged_bundle 's/"\.\.\/model"/"..\/damaged_bundle"/'
says "damaged bundle.json" "damaged_bundle: the bundle's files do not match SHA256SUMS" "copy or train it again" -- \
  serve damaged_bundle

(cd damaged_bundle && sha256sum bundle.json model.json >SHA256SUMS)
says "bundle.json that is no JSON" "damaged_bundle/bundle.json: " "train it again" -- serve damaged_bundle

# --- Data files.

says "no data file" "absent.ndjson: cannot open the file: No such file" "check that the file is there" -- replay absent.ndjson
says "a folder as data" "config: is a directory" "name a file" -- replay config

printf 'dear reader\nthis is a letter\n' >letter.txt
says "neither CSV nor NDJSON" "letter.txt:1: the column 'payment_id' is missing" "the schema 'demo' needs it for payment_id" -- \
  replay letter.txt
head -c 4096 "$program" >binary.csv
says "a binary file" "binary.csv:1: the column 'payment_id' is missing" -- replay binary.csv

for empty in empty.csv empty.ndjson; do
  : >$empty
  for command in "backfill" "replay --model model --out decisions.ndjson"; do
    says "$empty: ${command%% *}" "$empty: the file is empty" "get it again" -- paywarden $command --config config/demo.toml --data $empty
  done
done
"$program" simulate --payments 1 --out one.csv 2>err || { cat err; exit 1; }
head -n 1 one.csv >header.csv
works "a header alone" replay header.csv
grep -q '^replay: 0 decisions to' err || wrong "a header alone" "it does not say that there were no payments"

"$program" simulate --payments 100 --out payments.csv 2>err || { cat err; exit 1; }
sed '1s/,card,/,plastic,/' payments.csv >no_card.csv
for command in "train --out fresh_model" "backfill" "replay --model model --out decisions.ndjson"; do
  says "a column is missing: ${command%% *}" "no_card.csv:1: the column 'card' is missing" "the schema 'demo' needs it for card" -- \
    paywarden $command --config config/demo.toml --data no_card.csv
done

# --- Outputs.

says "no folder for the output" "nowhere/decisions.ndjson: the file cannot be made" "does its folder exist?" -- \
  paywarden replay --config config/demo.toml --model model --data payments.csv --out nowhere/decisions.ndjson
says "replay onto a full disk" "/dev/full: the decisions cannot be written" "is the disk full?" -- \
  paywarden replay --config config/demo.toml --model model --data payments.ndjson --out /dev/full
ln -s /dev/full full.ndjson
says "simulate onto a full disk" "full.ndjson: the payments cannot be written" "is the disk full?" -- \
  paywarden simulate --payments 20000 --out full.ndjson

# --- One data directory, one process; one port, one program.

rm -rf data
works "backfill" paywarden backfill --config config/demo.toml --data payments.ndjson
head -c 40 /dev/zero | tr '\0' k >config/other.key
variant other_key 's/^\[data\]/[intake]\ncard_key_file = "other.key"\n\n[data]/'
for command in "serve --port 0 --for 1s" "backfill --data payments.ndjson"; do
  says "another card key: ${command%% *}" "data/card-key.fingerprint: the card key 'other.key' is not the one that this data directory's tokens were made with" \
    "restore the former key" -- paywarden $command --config config/other_key.toml
done
mv data/card.key kept.key
says "a card key that is gone" "data/card.key: the card key that this data directory's tokens were made with is gone" "restore the former key" -- serve demo
[[ ! -e data/card.key ]] || wrong "a card key that is gone" "another one was made"
mv kept.key data/card.key
variant second 's/^directory = "data"/directory = "second"/'
"$program" serve --config config/demo.toml --port 0 --ready-file ready >server.out 2>server.err &
server=$!
wait_until_ready
port=$(sed -n '1s/.*:\([0-9][0-9]*\)$/\1/p' ready)
says "busy port" "127.0.0.1:$port: cannot listen: the port is in use" "stop the program that holds it, or choose another port" -- \
  paywarden serve --config config/second.toml --port "$port" --for 1s
for command in "serve --port 0 --for 1s" "backfill --data payments.ndjson"; do
  says "data directory in use: ${command%% *}" "data/journal/journal.lock: in use by process $server" \
    "stop that process, or give this one a directory of its own" -- paywarden $command --config config/demo.toml
done
says "journal in use: cut" "data/journal/journal.lock: in use by process $server" "stop that process" -- paywarden journal cut data/journal
stop

# --- A journal damaged in the middle.

works "verify a whole journal" paywarden journal verify data/journal
rm -r data/snapshots
segment=$(find data/journal -name '*.pwj' | sort | head -n 1)
middle=$(($(stat -c %s "$segment") / 2))
damage_byte "$segment" "$middle"
says "verify a damaged journal" "$segment at byte " "a record's checksum is wrong" \
  "restore the file from a copy or cut with \`paywarden journal cut\`" -- \
  paywarden journal verify data/journal
offset=$(sed 's/.* at byte \([0-9]*\):.*/\1/' err)
[[ $offset -le $middle && $offset -gt 0 ]] || wrong "verify a damaged journal" "byte $offset is not where the damage begins"
says "serve a damaged journal" "$segment at byte $offset" "cut with \`paywarden journal cut\`" -- serve demo
works "cut a damaged journal" paywarden journal cut data/journal
[[ -s $segment.removed ]] || wrong "cut a damaged journal" "what was cut is not kept"
works "verify a cut journal" paywarden journal verify data/journal
grep -q ': no damage$' out || wrong "verify a cut journal" "it does not say that there is no damage"
says "cut a whole journal" "data/journal: nothing to cut: there is no damage" -- paywarden journal cut data/journal
works "serve a cut journal" serve demo
segment=$(find data/journal -name '*.pwj' | sort | head -n 1)
cp "$segment" whole.pwj
truncate -s $((middle / 2)) "$segment"  # well within what the cut left
says "serve a cut short segment" "$segment at byte " "the next segment begins with record" "restore the file from a copy" -- serve demo
cp whole.pwj "$segment"
damage_byte "$segment" 20
says "serve a damaged segment header" "$segment at byte 0: the segment's header is damaged" "restore the file from a copy" -- serve demo
cp whole.pwj "$segment"
[[ -n $(find data/snapshots -type f) ]] || wrong "serve a damaged segment header" "there was no snapshot to hide it"
works "serve a mended journal" serve demo

# --- Simulated payments while intake is closed.

variant closed 's/^rate = 0/rate = 500/; s/^directory = "data"/directory = "closed"/; s/^disk_free_min = 0/disk_free_min = "1000TiB"/'
works "closed intake" paywarden serve --config config/closed.toml --port 0 --for 2s
grep -q '"event":"intake_closed"' err || wrong "closed intake" "intake was not closed"
works "verify behind closed intake" paywarden journal verify closed/journal
[[ $(sed -E 's/.* ([0-9]+) records.*/\1/' out) -lt 20 ]] || wrong "closed intake" "simulated payments were taken: $(<out)"

says "verify another folder" "config: there is no journal here" "name the folder that holds" -- paywarden journal verify config
refuses "simulate nothing" "--payments" -- simulate --payments 0 --out none.ndjson
refuses "simulate less than nothing" "--payments" -- simulate --payments -1 --out none.ndjson
says "replay over its data" "payments.ndjson' is read, and would be written over" "give the output another name" -- \
  paywarden replay --config config/demo.toml --model model --data payments.ndjson --out ./payments.ndjson
cp config/demo.toml config/channels.toml
printf '\n[[notify.webhook]]\nurl = "https://a.example"\n[[notify.webhook]]\nurl = "https://b.example"\n' >>config/channels.toml
says "two channels of one name" "config/channels.toml:" "notify.webhook.name 'webhook' is taken already" "give each a name of its own" -- \
  paywarden serve --config config/channels.toml --port 0
cp config/demo.toml config/polled.toml
printf '\n[[source.poll]]\nname = "till"\nurl = "ftp://a.example"\n' >>config/polled.toml
says "a polled address of another kind" "must begin with http:// or https://" -- paywarden serve --config config/polled.toml --port 0
says "verify no journal" "absent: cannot list the directory: No such file" -- paywarden journal verify absent
says "a card number as a key's name" "411111-****-**11-11" "choose a name" -- \
  "$program" key create --config config/demo.toml --name 411111-1111-1111-11 --role intake

# --- A full disk: a small file system in a mount namespace, which ends with the process.

own_mounts=
for try in "unshare --mount" "unshare --mount --map-root-user"; do
  mkdir -p small
  if $try mount -t tmpfs -o size=3m tmpfs small 2>/dev/null; then
    own_mounts=$try
    break
  fi
done
if [[ -z $own_mounts ]]; then
  echo "the full disk of a journal was not tested: this user may not mount"
else
  variant full 's/^directory = "data"/directory = "small"/'
  cases=$((cases + 1))
  rm -f ready
  timeout 30 $own_mounts bash -c '
    mount -t tmpfs -o size=6m tmpfs small
    "$0" key create --config config/full.toml --name sender --role intake >key
    exec "$0" serve --config config/full.toml --port 0 --ready-file ready' "$program" >server.out 2>server.err </dev/null &
  server=$!
  wait_until_ready
  python3 - "$(head -n 1 ready)" "$(cat key)" <<'END' || wrong "requests without a body" "they ended the service, or were not refused"
import http.client, sys
url, key = sys.argv[1:]
for path in ("/v1/payments", "/v1/payments:batch", "/v1/labels"):
    for headers in ({"Content-Length": "0"}, {"Transfer-Encoding": "chunked"}):
        connection = http.client.HTTPConnection(url.split("//")[1], timeout=20)
        connection.putrequest("POST", path)
        for header in {**headers, "Authorization": "Bearer " + key}.items():
            connection.putheader(*header)
        connection.endheaders(b"0\r\n\r\n" if "Transfer-Encoding" in headers else None)
        status = connection.getresponse().status
        assert status == 400 or path != "/v1/payments", (path, headers, status)
END
  python3 - "$(head -n 1 ready)" "$(cat key)" <<'END' || wrong "serve on a full disk" "the batch was answered otherwise than it should be"
import http.client, json, sys, urllib.request
url, key = sys.argv[1:]
request = urllib.request.Request(url + "/v1/payments:batch", open("payments.ndjson", "rb").read(), {"Authorization": "Bearer " + key})
try:
    body = urllib.request.urlopen(request, timeout=20).read()
except http.client.IncompleteRead as cut:  # the server may end before the last line
    body = cut.partial[:cut.partial.rfind(b"\n") + 1]
statuses = [json.loads(line)["status"] for line in body.splitlines()]
decided = statuses.count(200)
print(f"full disk: {decided} payments decided, {len(statuses) - decided} refused")
assert 0 < decided < 20000 and set(statuses) <= {200, 503}, sorted(set(statuses))
END
  status=0
  wait "$server" || status=$?
  server=
  cp server.err err
  check_line "serve on a full disk" 1 "$status" "small/journal/journal-" ".pwj: cannot write: the disk is full" \
    "free space on this disk" "then start again"

  says "backfill on a full disk" "small/journal/journal-" "the log failed: cannot write: the disk is full" "free space on this disk" \
    "run the same command again" -- timeout 30 $own_mounts bash -c '
    mount -t tmpfs -o size=3m tmpfs small
    exec "$0" backfill --config config/full.toml --data payments.ndjson' "$program"
fi

echo "$cases cases, $failures failures"
[[ $failures == 0 ]]
