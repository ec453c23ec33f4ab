#!/usr/bin/env bash
# How well the detector finds fraud on the two public data sets, printed by the independent evaluator. Needs ../shared/data and
# ../shared/eval beside the project (77 where they are absent), and build/release/paywarden (scripts/build.sh release).
#
#   scripts/measure-quality.sh [handbook] [cards]      by default both
#   scripts/measure-quality.sh earlier                 the handbook's weeks on which features and parameters were chosen
#
# handbook: for each test week a model that is trained until seven days before it, with config/handbook.toml as it is, then a replay of
# the whole file; the protocol of the Fraud Detection Handbook. cards: config/cards.toml, trained on the training months alone (what the test quality_cards prints).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
data=$root/../shared/data evaluator=$root/../shared/eval/evaluate.py program=$root/build/release/paywarden
if [[ ! -e $data/handbook-transactions.csv.xz || ! -e $evaluator ]]; then
  echo "skipped: ../shared/data and ../shared/eval are not here"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# days DATE COUNT: so many days later.
days() { date -u -d "$1 + $2 days" +%F; }

# weeks TEST_FROM...: each line is a week's figures, the last one their mean.
weeks() {
  local test_from figures=()
  for test_from in "$@"; do
    "$program" train --config "$root/config/handbook.toml" --data "$data/handbook-transactions.csv.xz" \
      --until "$(days "$test_from" -7)" --out "$work/model" >&2
    "$program" replay --config "$root/config/handbook.toml" --model "$work/model" --data "$data/handbook-transactions.csv.xz" \
      --out "$work/decisions.ndjson" >&2
    figures+=("$(python3 "$evaluator" handbook --decisions "$work/decisions.ndjson" --data "$data/handbook-transactions.csv.xz" \
      --folds 1 --train-start "$(days "$test_from" -14)" | sed -n 1p)")
    echo "${figures[-1]}"
  done
  python3 - "${figures[@]}" <<'MEAN'
import json, sys
weeks = [json.loads(week) for week in sys.argv[1:]]
print("mean", {key: round(sum(week[key] for week in weeks) / len(weeks), 4) for key in ("auc_roc", "average_precision", "card_precision_100")})
MEAN
}

if (($# == 0)); then set -- handbook cards; fi
for what in "$@"; do
  case $what in
    handbook) weeks 2018-08-08 2018-08-15 2018-08-22 ;;
    earlier) weeks 2018-07-11 2018-07-18 2018-07-25 ;;
    cards) "$root/src/app/tests/quality_cards.sh" "$program" "$root" | grep average_precision ;;
    *) sed -n '2,/^set /s/^# \{0,1\}//p' "$0" && exit 2 ;;
  esac
done
