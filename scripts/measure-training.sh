#!/usr/bin/env bash
# What `paywarden train` takes on the card payments beside XGBoost's own Python package on the same matrix: wall time of both in turn, and the
# most memory that train held. Needs ../shared/data beside the project (77 where it is absent), build/release/paywarden, and
# build/test-venv (scripts/test-servers.sh).
#
#   scripts/measure-training.sh [ROUNDS]      2 by default: the best of each counts, since others may use the machine
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
data=$root/../shared/data/card-payments-train.csv.xz program=$root/build/release/paywarden
rounds=${1:-2}
if [[ ! -e $data ]]; then
  echo "skipped: ../shared/data is not here"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$root/config" "$work"
cd "$work"
"$program" export --config config/cards.toml --data "$data" --out rows.csv 2>/dev/null

"${PAYWARDEN_TEST_VENV:-$root/build/test-venv}/bin/python" - "$program" "$data" "$rounds" <<'END'
import json, os, resource, subprocess, sys, time
import numpy, xgboost

program, data, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
values, labels = [], []
with open("rows.csv") as file:
    columns = len(file.readline().split(",")) - 2
    for line in file:
        _, label, rest = line.rstrip("\n").split(",", 2)
        filled = rest.replace(",,", ",nan,").replace(",,", ",nan,")
        filled = ("nan" if filled.startswith(",") else "") + filled + ("nan" if filled.endswith(",") else "")
        values.append(numpy.fromstring(filled, dtype=numpy.float32, sep=","))
        labels.append(int(label))
os.remove("rows.csv")
values, labels = numpy.vstack(values), numpy.array(labels)
assert values.shape == (len(labels), columns), values.shape


def run(*words):
    """Seconds, and bytes held at most."""
    start = time.monotonic()
    child = subprocess.Popen([program, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{words} ended with {status}")
    return time.monotonic() - start, usage.ru_maxrss * 1024


def fit(settings, trees, until, validate):
    start = time.monotonic()
    matrix = xgboost.QuantileDMatrix(values[:until], labels[:until], max_bin=settings["max_bin"])
    watched = []
    if validate:
        watched = [(xgboost.QuantileDMatrix(values[until:], labels[until:], max_bin=settings["max_bin"], ref=matrix), "validation")]
    xgboost.train(settings, matrix, trees, evals=watched, verbose_eval=False)
    return time.monotonic() - start


trained, held, replayed, one, two = [], [], [], [], []
for _ in range(rounds):
    seconds, most = run("train", "--config", "config/cards.toml", "--data", data, "--out", "model")
    trained.append(seconds)
    held.append(most)
    replayed.append(run("replay", "--config", "config/cards.toml", "--model", "model", "--data", data, "--out", "d.ndjson", "--no-reasons")[0])
    training = json.load(open("model/bundle.json"))["training"]
    said = {p["name"]: p["value"] for p in training["parameters"]}
    settings = {"objective": "binary:logistic", "eval_metric": "aucpr", "tree_method": "hist", "nthread": os.cpu_count(), "seed": 1,
                "max_depth": int(said["depth"]), "learning_rate": float(said["learning_rate"]), "max_bin": int(said["max_bin"]),
                "min_child_weight": float(said["min_child_weight"]), "subsample": float(said["subsample"]),
                "colsample_bytree": float(said["colsample"]), "lambda": float(said["lambda"])}
    trees = int(said["trees"])
    one.append(fit(settings, trees, len(labels), validate=False))
    two.append(one[-1] + fit(settings, trees, int(len(labels) * 0.85), validate=True))
train, replay, once, twice = min(trained), min(replayed), min(one), min(two)
print(f"{len(labels):,} rows of {columns} features, {trees} trees; XGBoost {xgboost.__version__} in Python")
print(f"train {train:.0f} s, at most {max(held) / 2**30:.2f} GiB; replay alone {replay:.0f} s; XGBoost: one fit {once:.0f} s, "
      f"with the fit that chooses the number of trees {twice:.0f} s")
print(f"train / (replay + XGBoost's one fit) = {train / (replay + once):.2f}; / (replay + both fits) = {train / (replay + twice):.2f}")
END
