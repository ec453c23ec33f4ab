#!/usr/bin/env python3
"""A team trains elsewhere and serves here: rows exported, models trained by the Python packages of XGBoost and LightGBM, imported, and
scored on every payment of a history. Each score equals the library's own to 1e-6. What cannot be served exactly is refused in words.

  import_models.py PROGRAM PROJECT_ROOT      needs build/test-venv (scripts/test-servers.sh); else ends with 77, skipped
"""
import json
import os
import pathlib
import tempfile

from program import copy_demo, fail, in_test_venv, paywarden

in_test_venv("the Python packages of XGBoost and LightGBM")

import lightgbm
import numpy
import xgboost

TOLERANCE = 1e-6
LIGHTGBM = {"objective": "binary", "verbose": -1, "min_data_in_leaf": 5, "num_threads": 2, "seed": 1}


def read_rows(path):
    """Floats as they were; a text in the place of the time is none."""
    with open(path) as file:
        names = file.readline().strip().split(",")[2:]
        lines = [line.rstrip("\n").split(",") for line in file]
    labels = numpy.array([int(line[1]) for line in lines])
    values = numpy.array([[float(x) if x else numpy.nan for x in line[2:]] for line in lines], dtype=numpy.float32)
    return names, labels, values


def xgboost_models(names, labels, values):
    """With the columns in another order than the configuration's, and without names."""
    order = numpy.random.default_rng(1).permutation(len(names))
    shuffled = xgboost.DMatrix(values[:, order], labels, feature_names=[names[i] for i in order])
    settings = {"objective": "binary:logistic", "max_depth": 6, "eta": 0.2, "seed": 1, "nthread": 2}
    model = xgboost.train(settings, shuffled, 60)
    for name in ("named.json", "named.ubj"):
        model.save_model(name)
        yield name, model.predict(shuffled)
    plain = xgboost.DMatrix(values, labels)
    model = xgboost.train({**settings, "max_depth": 9, "base_score": 0.01}, plain, 30)
    model.save_model("deep.ubj")
    yield "deep.ubj", model.predict(plain)


def lightgbm_models(names, labels, values):
    data = lightgbm.Dataset(values, labels, feature_name=names)
    kinds = {
        "boosted.txt": {"num_leaves": 31},
        "without-missing.txt": {"num_leaves": 15, "use_missing": False},
        "forest.txt": {"num_leaves": 63, "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6},
        "steep.txt": {"num_leaves": 7, "sigmoid": 0.5},
    }
    for name, settings in kinds.items():
        model = lightgbm.train({**LIGHTGBM, **settings}, lightgbm.Dataset(values, labels, feature_name=names), 40)
        model.save_model(name)
        yield name, model.predict(values)
    del data


def import_and_compare(name, expected):
    paywarden("import", "--config", "demo.toml", "--model", name, "--review-at", "0.5", "--decline-at", "0.9", "--out", "bundle")
    paywarden("replay", "--config", "demo.toml", "--model", "bundle", "--data", "history.ndjson", "--out", "decisions.ndjson", "--no-reasons")
    with open("decisions.ndjson") as file:
        scores = numpy.array([json.loads(line)["score"] for line in file])
    difference = float(numpy.abs(scores - expected).max())
    print(f"{name}: {len(scores)} payments, scores from {scores.min():.2g} to {scores.max():.4g}, largest difference {difference:.1e}")
    if len(scores) != len(expected) or not difference <= TOLERANCE:
        fail(f"{name} scores otherwise than its own library")
    if not scores.max() > 0.5:
        fail(f"{name} has learnt nothing, so the comparison says little")


def importances(names, labels, values):
    """The report's importances of an imported model are the means of XGBoost's own contributions: of every fraud, and near to it of a
    quarter of the payments."""
    rows = xgboost.DMatrix(values, labels, feature_names=names)
    model = xgboost.train({"objective": "binary:logistic", "max_depth": 6, "eta": 0.2, "seed": 1, "nthread": 2}, rows, 60)
    model.save_model("explained.ubj")
    paywarden("import", "--config", "demo.toml", "--model", "explained.ubj", "--review-at", "0.5", "--decline-at", "0.9", "--out", "explained")
    paywarden("replay", "--config", "demo.toml", "--model", "explained", "--data", "history.ndjson", "--out", "explained.ndjson", "--no-reasons")
    said = paywarden("evaluate", "--config", "demo.toml", "--decisions", "explained.ndjson", "--data", "history.ndjson", "--model", "explained",
                     "--out", "report", told=True)
    metrics = json.loads(pathlib.Path("report/metrics.json").read_text())
    if "does not say what it was trained on" not in said or "drift" in metrics:
        fail(f"drift of an imported bundle: {said}")
    if not all(case["reasons"] for name in ("hardest_misses", "costliest_misses", "loudest_alarms") for case in metrics[name]):
        fail("a case of the report has no reasons")
    importance = metrics["importance"]
    if (importance["payments"], importance["frauds"]) != (10_000, int(labels.sum())):
        fail(f"drawn were {importance['payments']} payments and {importance['frauds']} frauds of {int(labels.sum())}")
    pushes = numpy.abs(model.predict(rows, pred_contribs=True)[:, :-1])
    wanted = dict(zip(names, zip(pushes.mean(axis=0), pushes[labels == 1].mean(axis=0), pushes.std(axis=0))))
    if [f["of_payments"] for f in importance["features"]] != sorted((f["of_payments"] for f in importance["features"]), reverse=True):
        fail("the most important feature does not come first")
    for f in importance["features"]:
        of_payments, of_frauds, spread = wanted.pop(f["feature"])
        if not abs(f["of_frauds"] - of_frauds) < 1e-4:
            fail(f"{f['feature']} moves the frauds by {f['of_frauds']}, XGBoost says {of_frauds}")
        if not abs(f["of_payments"] - of_payments) < 5 * spread / 100 + 1e-6:  # five standard errors
            fail(f"{f['feature']} moves the payments by {f['of_payments']}, XGBoost says {of_payments} on average")
    if wanted or not importance["features"][0]["of_frauds"] > 0.1:
        fail(f"features without importance: {wanted}")
    print(f"importances: {len(names)} features as XGBoost's contributions, first {importance['features'][0]}")


def refused(name, *phrases):
    said = paywarden("import", "--config", "demo.toml", "--model", name, "--review-at", "0.5", "--decline-at", "0.9", "--out", "bad", fails=True)
    line = said.strip().splitlines()[-1]
    print(f"{name}: {line}")
    for phrase in (name, *phrases):
        if phrase not in line:
            fail(f"{name}: the line does not say '{phrase}'")
    if pathlib.Path("bad").exists():
        fail(f"{name} was refused, and left a bundle")


def refusals(names, labels, values):
    zero = lightgbm.train({**LIGHTGBM, "zero_as_missing": True}, lightgbm.Dataset(values, labels), 20)
    zero.save_model("zeros.txt")
    refused("zeros.txt", "counts zeros as missing")
    hours = lightgbm.Dataset(values, labels, feature_name=names, categorical_feature=[names.index("hour")])
    lightgbm.train({**LIGHTGBM, "min_data_per_group": 1, "cat_smooth": 1}, hours, 40).save_model("categories.txt")
    refused("categories.txt", "categorical splits")
    lightgbm.train({**LIGHTGBM, "objective": "regression"}, lightgbm.Dataset(values, labels), 3).save_model("regression.txt")
    refused("regression.txt", "objective is 'regression'", "objective binary")
    few = xgboost.DMatrix(values[:, :5], labels)
    xgboost.train({"objective": "binary:logistic"}, few, 2).save_model("few.ubj")
    refused("few.ubj", "the model has 5 columns", "paywarden export")
    other = xgboost.DMatrix(values, labels, feature_names=["shoe_size", *names[1:]])
    xgboost.train({"objective": "binary:logistic"}, other, 2).save_model("other.json")
    refused("other.json", "'shoe_size' is no feature of the configuration")
    whole = pathlib.Path("named.ubj").read_bytes()
    pathlib.Path("cut.ubj").write_bytes(whole[: len(whole) // 2])
    refused("cut.ubj", "no UBJSON")
    pathlib.Path("cut.txt").write_text(pathlib.Path("boosted.txt").read_text()[:20000])
    refused("cut.txt", "LightGBM")
    pathlib.Path("picture.png").write_bytes(b"\x89PNG\r\n")
    refused("picture.png", "no model that can be imported")


def main():
    copy_demo()
    paywarden("simulate", "--payments", "40000", "--customers", "500", "--out", "history.ndjson")
    paywarden("export", "--config", "demo.toml", "--data", "history.ndjson", "--out", "rows.csv")
    rows = read_rows("rows.csv")
    for name, expected in [*xgboost_models(*rows), *lightgbm_models(*rows)]:
        import_and_compare(name, expected)
    importances(*rows)
    refusals(*rows)


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    main()
