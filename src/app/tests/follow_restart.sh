#!/usr/bin/env bash
# A followed file that reaches further back than ids are remembered: after a restart, and after a kill, only what is new is decided;
# another file in its place is noticed and read from its beginning.
#
#   follow_restart.sh PROGRAM PROJECT_ROOT
set -euo pipefail

program=$(realpath "$1") root=$(realpath "$2")
# shellcheck source=src/app/tests/program.sh
source "$(dirname "${BASH_SOURCE[0]}")/program.sh"
use_work_folder
small_demo "$root"
printf '\n[intake]\nidempotency_horizon = "1h"\n\n[source]\nfollow = ["live.csv"]\n' >>demo.toml
"$program" simulate --payments 20000 --seed 1 --customers 500 --out history.ndjson 2>/dev/null
"$program" train --config demo.toml --data history.ndjson --out model >/dev/null 2>&1
"$program" simulate --payments 2000 --seed 2 --customers 500 --out all.csv 2>/dev/null

payments() { "$program" journal verify data/journal | sed -E 's/.* ([0-9]+) records.*/\1/'; }
# serve FOR: what the log says stays in server.log.
serve() { "$program" serve --config demo.toml --port 0 --for "$1" >server.log 2>&1 || { cat server.log; exit 1; }; }
# wants CASE RECORDS: two records a payment; changes of the first start are in `changes`.
wants() {
  local there
  there=$(payments)
  [[ $there == "$2" ]] || { cat server.log; echo "$1: $there records instead of $2"; exit 1; }
}

head -n 1 all.csv >live.csv
serve 1s
changes=$(payments)

sed -n 2,1501p all.csv >>live.csv
serve 3s
wants "the first 1,500 payments" $((changes + 3000))
serve 2s
wants "a restart with nothing new" $((changes + 3000))
sed -n 1502,1601p all.csv >>live.csv
serve 2s
wants "a restart with 100 more" $((changes + 3200))

# The place is kept every 5 s: a kill behind that loses none of it.
start serve --config demo.toml
sed -n 1602,1701p all.csv >>live.csv
sleep 7
kill -KILL "$server"
wait "$server" || true
server=
wants "100 more before a kill" $((changes + 3400))
serve 2s
wants "a restart after a kill" $((changes + 3400))

{ head -n 1 all.csv && sed -n 1702,2001p all.csv; } >live.csv.new
mv live.csv.new live.csv
serve 2s
grep -q '"event":"followed_file_replaced"' server.log || { cat server.log; echo "another file was not noticed"; exit 1; }
wants "another file" $((changes + 4000))
serve 2s
grep -q '"event":"followed_file_replaced"' server.log && { cat server.log; echo "the same file was taken for another"; exit 1; }
wants "a restart with the other file" $((changes + 4000))

# What the engine does not take (it knows no rate for pounds) is kept to look at.
sed -n 2p all.csv | sed -E 's/^[^,]*,/d4242424242424242,/; s/,(EUR|USD),/,GBP,/' >>live.csv
grep -q '^d4242424242424242,.*GBP' live.csv || { echo "the row in pounds was not made"; exit 1; }
serve 2s
wants "a row in pounds" $((changes + 4000))
grep -q '"raw":"d424242[*]*4242"' data/rejects.ndjson || { cat data/rejects.ndjson; echo "the row in pounds is not among the rejects, or shows a number"; exit 1; }
grep -q '4242424242424242' data/rejects.ndjson && { cat data/rejects.ndjson; echo "an id that is a card's number is kept bare"; exit 1; }
grep -q '"line":302,.*"reason":"no_rate"' data/rejects.ndjson || { cat data/rejects.ndjson; echo "the row in pounds is kept without its place"; exit 1; }

# Over HTTP whoever sent it is told, and it is kept nowhere.
kept=$(wc -l <data/rejects.ndjson)
key=$("$program" key create --config demo.toml --name till --role intake | grep -o 'pw_[^ ]*')
start serve --config demo.toml
tail -n 1 history.ndjson | sed -E 's/"payment_id":"[^"]*"/"payment_id":"by-http"/; s/"currency":"[A-Z]*"/"currency":"GBP"/' |
  tee pounds | curl -s -H "Authorization: Bearer $key" --data-binary @- "$url/v1/payments" >answer
sed -E 's/"amount":"?[^,]*/"amount":"-1"/; s/GBP/EUR/' pounds | cat pounds - |
  curl -s -H "Authorization: Bearer $key" --data-binary @- "$url/v1/payments:batch" >lines
stop
grep -q '"status":422,.*"field":"currency","reason":"no_rate"' answer || { cat answer; echo "a payment in pounds is answered otherwise"; exit 1; }
for refused in '"line":1,"status":422,.*"field":"currency","reason":"no_rate"' '"line":2,"status":422,.*"field":"amount","reason":"negative"'; do
  grep -q "$refused" lines || { cat lines; echo "lines that are refused do not say the field and the reason"; exit 1; }
done
[[ $(grep -c no_rate data/rejects.ndjson) == 1 && $(wc -l <data/rejects.ndjson) == $((kept + 1)) ]] ||
  { cat data/rejects.ndjson; echo "what was answered 422 for its currency is kept, or what was read wrong is not"; exit 1; }

# Another payment under an id that was used is kept likewise.
sed -n 2001p all.csv | sed -E 's/,[0-9.]+,(EUR|USD),/,1.23,\1,/' >>live.csv
serve 2s
wants "another payment under a known id" $((changes + 4000))
grep -q '"line":303,"field":"payment_id","reason":"conflict"' data/rejects.ndjson ||
  { cat data/rejects.ndjson; echo "a conflict is not among the rejects"; exit 1; }
echo "2000 payments of two files, each decided once"
