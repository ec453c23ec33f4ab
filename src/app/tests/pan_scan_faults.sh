#!/usr/bin/env bash
# No card number rests anywhere: history, a model, live payments over HTTP, some of them with card numbers where none belongs, a
# restart, a replay and a report; then every file that was written is searched, compressed ones too, for the cards of the data.
#
#   pan_scan_faults.sh PROGRAM PROJECT_ROOT PAN_SCAN
set -euo pipefail

program=$(realpath "$1") root=$(realpath "$2") scanner=$(realpath "$3")
# shellcheck source=src/app/tests/program.sh
source "$(dirname "${BASH_SOURCE[0]}")/program.sh"
use_work_folder

# input: what holds card numbers. run: the working directory, with all that the program writes.
mkdir input run
cd run
small_demo "$root"
printf '\n[engine]\nsnapshot_every = 1000\n\n[archive]\nkind = "folder"\ndirectory = "archive"\nbatch_records = 500\n' >>demo.toml

"$program" simulate --payments 30000 --seed 5 --customers 500 --out ../input/history.ndjson 2>/dev/null
"$program" simulate --payments 3000 --seed 6 --customers 500 --out ../input/live.ndjson 2>/dev/null
sed -i 's/"payment_id":"sim-/"payment_id":"live-/' ../input/live.ndjson
sed 's/.*"card":"\([0-9]*\)".*/\1/' ../input/{history,live}.ndjson | sort -u >../input/cards

{
  "$program" train --config demo.toml --data ../input/history.ndjson --out model
  "$program" backfill --config demo.toml --data ../input/history.ndjson --pending-labels pending.ndjson
  "$program" replay --config demo.toml --model model --data ../input/history.ndjson --from 2026-01-20T00:00:00Z --out decisions.ndjson
  "$program" evaluate --config demo.toml --decisions decisions.ndjson --data ../input/history.ndjson --from 2026-01-20T00:00:00Z --out report
} >commands.log 2>&1 || { cat commands.log; exit 1; }
(umask 077 && "$program" key create --config demo.toml --name sender --role admin >../input/key)

# send PATH STATUS: posts the standard input, keeps the answer, wants that status.
send() {
  local status
  status=$(curl -sS -o answer -w '%{http_code}' -H "Authorization: Bearer $(<../input/key)" --data-binary @- "$url$1")
  cat answer >>answers.log
  echo >>answers.log
  [[ " $2 " == *" $status "* ]] || { cat answer; echo "$1 answered $status, not $2"; exit 1; }
}

start serve --config demo.toml
send /v1/payments:batch 200 <../input/live.ndjson
[[ $(grep -c '"status":200' answer) == 3000 ]] || { grep -v '"status":200' answer | head -3; echo "not all payments were decided"; exit 1; }

card=$(sed -n 1p ../input/cards) spaced=$(sed -n '2s/..../& /gp' ../input/cards) dashed=$(sed -n '3s/..../&-/gp' ../input/cards)
payment() { sed -n 7p ../input/live.ndjson | sed -E "s/\"payment_id\":\"[^\"]*\"/\"payment_id\":\"$1\"/; $2"; }
bad_luhn=${card%?}$(((${card: -1} + 1) % 10))
# Not a card's number, and not to be told back either: it may be a mistyped one.
payment odd-1 "s/\"card\":\"[0-9]*\"/\"card\":\"$bad_luhn\"/" | send /v1/payments 422
payment odd-2 "s/\"merchant\":\"[^\"]*\"/\"merchant\":\"Shop $card\"/" | send /v1/payments '200 422'
payment odd-3 "s/\"merchant\":\"[^\"]*\"/\"merchant\":\"Shop $spaced\"/" | send /v1/payments '200 422'
payment odd-4 "s/\"device\":\"[^\"]*\"/\"device\":\"dev $dashed\"/" | send /v1/payments '200 422'
payment "$card" '' | send /v1/payments 422
payment "order-$card" '' | send /v1/payments 422
payment odd-5 "s/\"amount\":\"[^\"]*\"/\"amount\":\"$card\"/" | send /v1/payments 422
payment odd-6 "s/\"event_time\":\"[^\"]*\"/\"event_time\":\"$card\"/" | send /v1/payments 422
payment odd-7 "s/\"is_fraud\":0/\"is_fraud\":0,\"cvv\":\"123\",\"note_$card\":\"$spaced\"/" | send /v1/payments '200 422'
echo "{\"payment_id\":\"odd-8\",\"card\":\"$card\",\"merchant\":$card" | send /v1/payments '400 422'
echo "card $card, not JSON" | send /v1/payments '400 422'
{ echo "{\"card\":\"$card\""; payment odd-9 "s/\"currency\":\"[^\"]*\"/\"currency\":\"$spaced\"/"; } | send /v1/payments:batch 200
echo "{\"payment_id\":\"live-7\",\"is_fraud\":true,\"source\":\"caller of $card\"}" | send /v1/labels 200
echo "{\"payment_id\":\"$card\",\"is_fraud\":true}" | send /v1/labels 422
echo "{\"payment_id\":\"unknown-1\",\"is_fraud\":true,\"source\":\"$dashed\"}" | send /v1/labels 202
echo "{\"payment_id\":\"live-8\",\"is_fraud\":true,\"$card\":1}" | send /v1/labels 422
echo "{\"payment_id\":\"live-8\",\"is_fraud\":true,\"note\":\"$card\"}" | send /v1/labels 422
echo "{\"payment_id\":\"live-8\",\"is_fraud\":true,\"event_time\":\"$card\"}" | send /v1/labels 422
curl -sS -o answer -H "Authorization: Bearer $(<../input/key)" "$url/v1/decisions/$card" && cat answer >>answers.log
curl -sS -o answer -H "Authorization: Bearer $(<../input/key)" "$url/v1/decisions/live-7" && cat answer >>answers.log
curl -sS -H "Authorization: Bearer $(<../input/key)" "$url/metrics" >metrics.log
stop

start serve --config demo.toml
send /v1/payments:batch 200 <../input/live.ndjson
[[ $(grep -c '"status":200' answer) == 3000 ]] || { echo "not all payments were answered again"; exit 1; }
stop
"$program" journal verify data/journal | tee verify.log

[[ -s data/rejects.ndjson && -s report/report.html && -s decisions.ndjson ]] || { echo "the run left less than it should"; exit 1; }
[[ -n $(find archive -name '*.json.gz') ]] || { echo "the run archived nothing"; exit 1; }
[[ -n $(find data/snapshots -type f) ]] || { echo "the run made no snapshot"; exit 1; }

"$scanner" --known ../input/cards . || { echo "card numbers rest in what was written"; exit 1; }

# The scanner itself: it must find what is there, also compressed, with separators, and behind other bytes.
mkdir ../planted
{ head -c 3000000 /dev/urandom; echo "x $spaced y"; } >../planted/bytes
echo "{\"card\":\"$card\"}" | gzip >../planted/text.gz
found=$("$scanner" --known ../input/cards ../planted) && { echo "the scanner does not see card numbers"; exit 1; }
[[ $(grep -c 'planted/' <<<"$found") == 2 ]] || { echo "$found"; echo "the scanner should have found two card numbers"; exit 1; }
echo "$(find . -type f | wc -l) files, $(du -sh . | cut -f1), $(wc -l <../input/cards) cards: none found"
