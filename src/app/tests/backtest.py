#!/usr/bin/env python3
"""`paywarden backtest` against a recount: both sides are replayed one by one, and every figure is counted again from the two files of
decisions and the data's labels.

  backtest.py PROGRAM PROJECT_ROOT
"""
import collections
import datetime
import json
import os
import pathlib
import tempfile
import tomllib

from program import configuration, copy_demo, fail, paywarden

RULES = """
rule night: review if amount > 400 and hour < 6
rule card_testing: review if card_count_10m >= 4
rule never_fires: decline if amount > 100000000
"""


def decisions(config, model):
    paywarden("replay", "--config", config, "--model", model, "--data", "later.ndjson", "--out", "out.ndjson", "--no-reasons")
    with open("out.ndjson") as file:
        return [json.loads(line) for line in file]


def money(payments):
    return sum(round(float(p["amount"]) * RATES[p["currency"]], 2) for p in payments)


def side(decided, payments, review_at):
    day = lambda p: p["event_time"][:10]
    alerts = [(d, p) for d, p in zip(decided, payments) if d["outcome"] != "approve"]
    missed = [p for d, p in zip(decided, payments) if d["outcome"] == "approve" and p["is_fraud"]]
    caught = [p for d, p in alerts if p["is_fraud"]]
    rules = collections.defaultdict(lambda: [0, 0, 0])
    for d, p in zip(decided, payments):
        for rule in d["rules"]:
            rules[rule][0] += 1
            rules[rule][1] += p["is_fraud"]
            rules[rule][2] += d["outcome"] != "approve" and d["rules"] == [rule] and d["score"] < review_at
    return {
        "alerts": len(alerts),
        "alerts_a_day_max": max(collections.Counter(day(p) for _, p in alerts).values()),
        "reviews": sum(d["outcome"] == "review" for d in decided),
        "declines": sum(d["outcome"] == "decline" for d in decided),
        "frauds_caught": len(caught),
        "frauds_missed": len(missed),
        "frauds_declined": sum(d["outcome"] == "decline" and p["is_fraud"] for d, p in alerts),
        "money_caught": money(caught),
        "money_missed": money(missed),
        "precision": len(caught) / len(alerts),
    }, rules


def compare(name, expected, got):
    for key, value in expected.items():
        tolerance = 0.01 if "money" in key else 1e-6  # a cent a currency's rounding
        if abs(got[key] - value) > tolerance * max(1, abs(value) / 1000):
            fail(f"{name}: {key} is {got[key]}, counted again {value}")


def check(title, config, arguments, present, proposed, since=None, until=None):
    """present, proposed: (decisions, the model's review threshold)."""
    span = (["--from", since] if since else []) + (["--until", until] if until else [])
    paywarden("backtest", "--config", config, *arguments, "--data", "later.ndjson", "--out", "backtest.json", *span)
    got = json.loads(pathlib.Path("backtest.json").read_text())
    inside = [i for i, p in enumerate(PAYMENTS) if (not since or p["event_time"] >= since[:-1]) and (not until or p["event_time"] < until[:-1])]
    payments = [PAYMENTS[i] for i in inside]
    sides = [([decided[i] for i in inside], review_at) for decided, review_at in (present, proposed)]
    changes = collections.Counter((a["outcome"], b["outcome"]) for a, b in zip(sides[0][0], sides[1][0]))
    for cell in got["changed"]:
        if changes[cell["present"], cell["proposed"]] != cell["payments"]:
            fail(f"{title}: {cell}, counted again {changes}")
    for name, (decided, review_at) in zip(("present", "proposed"), sides):
        expected, rules = side(decided, payments, review_at)
        compare(f"{title}: {name}", expected, got[name])
        for rule in got[name]["rules"]:
            if [rule["hits"], rule["frauds"], rule["alone"]] != rules[rule["name"]]:
                fail(f"{title}: {name}: {rule}, counted again {rules[rule['name']]}")
    new = [p for a, b, p in zip(sides[0][0], sides[1][0], payments) if p["is_fraud"] and (a["outcome"] == "approve") > (b["outcome"] == "approve")]
    compare(title, {"payments": len(payments), "frauds_newly_caught": len(new), "money_newly_caught": money(new)}, got)
    moved = sum(count for (a, b), count in changes.items() if a != b)
    print(f"{title}: {len(payments)} payments, {moved} decided otherwise, frauds caught {got['present']['frauds_caught']} -> {got['proposed']['frauds_caught']}")
    if moved == 0:
        fail(f"{title}: nothing is decided otherwise, so the comparison says little")
    return got


def review_threshold(model):
    return json.loads(pathlib.Path(model, "bundle.json").read_text())["thresholds"]["review"]


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    copy_demo()
    configuration("present.toml", {'"../var/demo/model"': '"first"'})
    pathlib.Path("new.rules").write_text(RULES)
    paywarden("simulate", "--payments", "40000", "--customers", "500", "--out", "history.ndjson")
    paywarden("simulate", "--payments", "40000", "--customers", "500", "--seed", "7", "--out", "later.ndjson")
    PAYMENTS = [json.loads(line) for line in pathlib.Path("later.ndjson").read_text().splitlines()]
    paywarden("train", "--config", "present.toml", "--data", "history.ndjson", "--out", "first")
    configuration("second.toml", {"alerts_a_day = 60": "alerts_a_day = 30", "depth = 6": "depth = 4"})
    currency = tomllib.loads(pathlib.Path("demo.toml").read_text())["currency"]
    RATES = {currency["base"]: 1.0, **{code: float(rate) for code, rate in currency["rates"].items()}}
    paywarden("train", "--config", "second.toml", "--data", "history.ndjson", "--out", "second")
    configuration("ruled.toml", {'"../var/demo/model"': '"first"', '"demo.rules"': '"new.rules"'})

    present = decisions("present.toml", "first"), review_threshold("first")
    ruled = decisions("ruled.toml", "first"), review_threshold("first")
    second = decisions("present.toml", "second"), review_threshold("second")
    both = decisions("ruled.toml", "second"), review_threshold("second")
    check("other rules", "present.toml", ["--rules", "new.rules"], present, ruled)
    check("another model", "present.toml", ["--model", "second"], present, second)
    check("both, within a span", "present.toml", ["--rules", "new.rules", "--model", "second"], present, both,
          since="2026-01-10T00:00:00Z", until="2026-01-20T00:00:00Z")
    for words, says in (
        ([], "there is nothing to compare with"),
        (["--rules", "absent.rules"], "absent.rules"),
        (["--model", "absent"], "absent"),
    ):
        said = paywarden("backtest", "--config", "present.toml", "--data", "later.ndjson", *words, fails=True)
        if says not in said.strip().splitlines()[-1]:
            fail(f"{words}: the line does not say '{says}': {said}")
