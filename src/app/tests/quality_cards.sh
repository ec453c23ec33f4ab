#!/usr/bin/env bash
# The whole way of a data scientist on the card payments: train on the training months, replay the test months behind them,
# measure. Asserts: every payment has exactly one decision, a second replay is the same to the byte, average precision of
# at least 0.982 and recall at 90 % precision of at least 0.958. Skipped (77) where ../shared/data is absent.
#
#   quality_cards.sh PROGRAM PROJECT_ROOT
set -euo pipefail

program=$1 root=$2
data=$root/../shared/data evaluator=$root/../shared/eval/evaluate.py
if [[ ! -f $data/card-payments-train.csv.xz || ! -f $evaluator ]]; then
  echo "skipped: ../shared/data is not here"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/config"
cp "$root/config/cards.toml" "$work/config/"
cd "$work"
train=$data/card-payments-train.csv.xz test=$data/card-payments-test.csv.xz
first=$(xzcat "$test" | sed -n 2p | cut -d, -f1)
from=${first/ /T}Z

"$program" train --config config/cards.toml --data "$train" --out model
"$program" replay --config config/cards.toml --model model --data "$train" "$test" --from "$from" --out once.ndjson
"$program" replay --config config/cards.toml --model model --data "$train" "$test" --from "$from" --out again.ndjson
cmp once.ndjson again.ndjson

figures=$(python3 "$evaluator" cards --decisions once.ndjson --data "$test")
echo "$figures"
python3 - "$figures" <<'END'
import json, sys
figures = json.loads(sys.argv[1])
assert figures["average_precision"] >= 0.982 and figures["recall_at_precision_90"] >= 0.958, figures
END
[[ $(wc -l <once.ndjson) == $(($(xzcat "$test" | wc -l) - 1)) ]] || { echo "not one decision for each payment"; exit 1; }

"$program" evaluate --config config/cards.toml --decisions once.ndjson --data "$test" --out report
grep -q '<svg' report/report.html
