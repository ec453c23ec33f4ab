#!/usr/bin/env bash
# Live service is what replay says, through kills: the card payments of the test months are sent over HTTP behind a backfill of the
# training months while `paywarden serve` is killed at random moments. None acknowledged is lost, none is decided twice, every
# score and outcome is that of `paywarden replay`. Skipped (77) where ../shared/data is absent.
#
#   crash_faults.sh PROGRAM PROJECT_ROOT [soak [SEED] | faults [SEED]]
#
# faults (what is run unless told otherwise): 10 kills over the first 40,000 payments; soak: 100 kills over all of them.
set -euo pipefail

program=$(realpath "$1") root=$(realpath "$2") run=${3:-faults} seed=${4:-}
data=$root/../shared/data
train=$data/card-payments-train.csv.xz test=$data/card-payments-test.csv.xz
if [[ ! -f $train || ! -f $test ]]; then
  echo "skipped: ../shared/data is not here"
  exit 77
fi
case $run in
  faults) kills=10 payments=40000 ;;
  soak) kills=100 payments=$((1 << 40)) ;;
  *) echo "the run is faults or soak, not '$run'"; exit 2 ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
first_rows() { xz -dc "$1" 2>/dev/null | sed "$(($2 + 1))q" || true; }  # xz minds that nobody reads the rest
first_rows "$train" 200000 >learn.csv
first_rows "$test" "$payments" >payments.csv
[[ $(wc -l <learn.csv) == 200001 ]] || { echo "the training rows cannot be read"; exit 1; }
first=$(sed -n 2p payments.csv | cut -d, -f1)

sed 's/^trees = .*/trees = 40/' "$root/config/cards.toml" >cards.toml
cat >>cards.toml <<TOML

[model]
directory = "model"

[data]
directory = "$work/data"
disk_free_min = "64MiB"
segment_bytes = "16MiB"
TOML
"$program" train --config cards.toml --data learn.csv --out model
"$program" replay --config cards.toml --model model --data "$train" payments.csv --from "${first/ /T}Z" --no-reasons --out replayed.ndjson
"$program" backfill --config cards.toml --data "$train" --pending-labels pending.ndjson
# Small segments and frequent snapshots: the kills are to meet them too. (A backfill has no need of so many.)
printf '\n[engine]\nsnapshot_every = 15000\n' >>cards.toml
(umask 077 && "$program" key create --config cards.toml --name checker --role admin >api.key)
python3 "$root/src/app/tests/crash_checker.py" --program "$program" --config "$work/cards.toml" --data-directory "$work/data" \
  --payments payments.csv --labels pending.ndjson --replay replayed.ndjson --key-file api.key --kills "$kills" ${seed:+--seed "$seed"}
