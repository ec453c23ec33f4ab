#!/usr/bin/env python3
"""`paywarden backtest` over files against a recount: both sides are replayed one by one, and every figure is counted again (recount.py)
from the two files of decisions and the data's labels. Over a log: backtest_log.py.

  backtest.py PROGRAM PROJECT_ROOT
"""
import json
import os
import pathlib
import tempfile
import tomllib

import recount
from program import configuration, copy_demo, fail, paywarden

RULES = """
rule night: review if amount > 400 and hour < 6
rule card_testing: review if card_count_10m >= 4
rule small_hours: review if amount > 300 and hour < 4
rule never_fires: decline if amount > 100000000
"""


def decisions(config, model):
    paywarden("replay", "--config", config, "--model", model, "--data", "later.ndjson", "--out", "out.ndjson", "--no-reasons")
    with open("out.ndjson") as file:
        return [json.loads(line) for line in file]


def check(title, config, arguments, present, proposed, since=None, until=None):
    """present, proposed: (decisions, the model's review threshold)."""
    span = (["--from", since] if since else []) + (["--until", until] if until else [])
    paywarden("backtest", "--config", config, *arguments, "--data", "later.ndjson", "--out", "backtest.json", *span)
    got = json.loads(pathlib.Path("backtest.json").read_text())
    inside = [i for i, p in enumerate(PAYMENTS) if (not since or p["event_time"] >= since[:-1]) and (not until or p["event_time"] < until[:-1])]
    sides = [([decided[i] for i in inside], review_at) for decided, review_at in (present, proposed)]
    recount.check(title, got, [PAYMENTS[i] for i in inside], sides, RATES)
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
    got = check("other rules", "present.toml", ["--rules", "new.rules"], present, ruled)
    overlap = {(pair["first"], pair["second"]): pair["of_second"] for pair in got["proposed"]["rule_pairs"]}
    if overlap.get(("night", "small_hours"), 0) < 0.5:
        fail(f"the rule of the small hours mostly repeats that of the night: {overlap}")
    check("another model", "present.toml", ["--model", "second"], present, second)
    check("both, within a span", "present.toml", ["--rules", "new.rules", "--model", "second"], present, both,
          since="2026-01-10T00:00:00Z", until="2026-01-20T00:00:00Z")
    for words, says in (
        (["--data", "later.ndjson"], "there is nothing to compare with"),
        (["--rules", "new.rules"], "give --data or --journal"),
        (["--data", "later.ndjson", "--journal", "--rules", "new.rules"], "excludes"),
        (["--data", "later.ndjson", "--genuine-after", "30d", "--rules", "new.rules"], "requires --journal"),
        (["--data", "later.ndjson", "--rules", "absent.rules"], "absent.rules"),
        (["--data", "later.ndjson", "--model", "absent"], "absent"),
    ):
        said = paywarden("backtest", "--config", "present.toml", *words, fails=True)
        if says not in said.strip().splitlines()[-1]:
            fail(f"{words}: the line does not say '{says}': {said}")
