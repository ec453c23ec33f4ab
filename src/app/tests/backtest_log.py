#!/usr/bin/env python3
"""`paywarden backtest --journal` on the log of a running program against a second one: the first takes payments, labels and changes over
HTTP and keeps running; the second, with the proposed rules and model, takes the same in the same order. What the first answered is what was
decided then, what the second answers is what would be decided now: every figure is counted again from the two (recount.py). Labels come
late, behind --until, and some are taken back; a list stands in the log alone; thresholds and mode change meanwhile.

  backtest_log.py PROGRAM PROJECT_ROOT
"""
import collections
import json
import os
import pathlib
import tempfile
import threading
import tomllib
import urllib.request
from datetime import datetime, timedelta

import recount
from program import Server, configuration, copy_demo, fail, keys_of, paywarden

BATCH, BATCHES = 1500, 8
RULES = """
rule night: review if amount > 400 and hour < 6
rule card_testing: review if card_count_10m >= 4
rule small_hours: review if amount > 300 and hour < 4
rule watched: review if merchant in list("watched") and amount > 20
rule known_bad: review if card_frauds_30d >= 1
"""
THRESHOLDS = {"review": 0.3, "decline": 0.97}


class JudgingServer(Server):
    def __init__(self, config, keys):
        self.keys = keys
        super().__init__(config)

    def post(self, path, body, role="intake", kind="application/x-ndjson"):
        request = urllib.request.Request(self.url + path, data=body.encode(), headers={"Authorization": "Bearer " + self.keys[role], "Content-Type": kind})
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.read().decode()

    def decide(self, lines):
        answers = [json.loads(line) for line in self.post("/v1/payments:batch", "".join(lines)).splitlines()]
        decided = [answer["decision"] for answer in answers if "decision" in answer]
        if len(decided) != len(lines):
            fail(f"{len(decided)} decisions of {len(lines)}: {answers[-1]}")
        return decided

    def label(self, words):
        body = "".join(json.dumps({"payment_id": id, "is_fraud": word}) + "\n" for id, word in words)
        if words and '"error"' in (said := self.post("/v1/labels:batch", body)):
            fail(f"labels: {said[:300]}")

    def change(self, **change):
        self.post("/v1/changes", json.dumps(change), role="admin", kind="application/json")


def words_on(batch):
    """All frauds of a batch, and every tenth genuine payment."""
    payments = PAYMENTS[batch * BATCH:(batch + 1) * BATCH]
    return [(p["payment_id"], True) for p in payments if p["is_fraud"]] + [(p["payment_id"], False) for p in payments[::10] if not p["is_fraud"]]


def feed(server, changes):
    """Answers the decisions; `changes`: whether thresholds and mode change too. The last batch never gets a label."""
    out = []
    for batch in range(BATCHES):
        out += server.decide(LINES[batch * BATCH:(batch + 1) * BATCH])
        if batch > 0:
            server.label(words_on(batch - 1))
        if batch == 2:
            server.change(kind="list_replace", name="watched", content="\n".join(WATCHED), reason="a test")
        if batch == 3:
            server.label(TAKEN_BACK)
        if batch == 4 and changes:
            server.change(kind="thresholds", content="review={review} decline={decline}".format(**THRESHOLDS), reason="a test")
        if batch == 5 and changes:
            server.change(kind="mode", content="observe", reason="a test")
    return out


def backtest(*words):
    paywarden("backtest", "--config", "live.toml", "--rules", "new.rules", "--model", "second", "--out", "backtest.json", *words)
    return json.loads(pathlib.Path("backtest.json").read_text())


def check(title, got, sides, since=None, until=None, genuine_after=None):
    truth = {id: word for batch in range(BATCHES - 1) for id, word in words_on(batch)}
    truth.update(TAKEN_BACK)
    time_of = lambda p: datetime.fromisoformat(p["event_time"].replace("Z", "+00:00"))
    newest = max(map(time_of, PAYMENTS[:BATCH * BATCHES]))
    inside, payments = [], []
    for i, p in enumerate(PAYMENTS[:BATCH * BATCHES]):
        if (since and p["event_time"] < since) or (until and p["event_time"] >= until):
            continue
        word = truth.get(p["payment_id"])
        if word is None and genuine_after and time_of(p) + genuine_after <= newest:
            word = False
        inside.append(i)
        payments.append({**p, "is_fraud": word})
    recount.check(title, got, payments, [([decided[i] for i in inside], review_at) for decided, review_at in sides], RATES)


def meanwhile(server, until, expected):
    """The log grows all the while: what is asked of its past stays the same."""
    decided = []
    lines = LINES[BATCH * BATCHES:]
    feeding = threading.Thread(target=lambda: [decided.extend(server.decide(lines[i:i + 250])) for i in range(0, len(lines), 250)])
    feeding.start()
    during = 0
    while feeding.is_alive() or during == 0:
        if backtest("--journal", "--until", until) != expected:
            fail("beside a running program the figures of the past are others")
        during += 1
    feeding.join()
    if len(decided) != len(lines):
        fail(f"while its log was read the program decided {len(decided)} of {len(lines)}")
    if backtest("--journal", "data/journal", "--until", until) != expected:
        fail("a journal that is named gives other figures")
    print(f"beside a program that decided {len(decided)} payments: {during} times the same figures")


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    copy_demo()
    paywarden("simulate", "--payments", "40000", "--customers", "500", "--out", "history.ndjson")
    paywarden("simulate", "--payments", "20000", "--customers", "500", "--seed", "7", "--out", "later.ndjson")
    LINES = pathlib.Path("later.ndjson").read_text().splitlines(keepends=True)
    PAYMENTS = [json.loads(line) for line in LINES]
    WATCHED = [name for name, _ in collections.Counter(p["merchant"] for p in PAYMENTS).most_common(5)]
    TAKEN_BACK = [(id, False) for id, word in words_on(0) if word][:3]
    currency = tomllib.loads(pathlib.Path("demo.toml").read_text())["currency"]
    RATES = {currency["base"]: 1.0, **{code: float(rate) for code, rate in currency["rates"].items()}}
    pathlib.Path("new.rules").write_text(RULES)
    pathlib.Path("watched.txt").write_text("")
    behind = '\n[data]\ndirectory = "{}"\ndisk_free_min = "64MiB"\n[api]\ndeadline = "60s"\n'
    quiet = {"\nrate = ": "\nrate = 0 # "}
    configuration("live.toml", {'"../var/demo/model"': '"first"', **quiet}, behind.format("data"))
    configuration("second.toml", {"alerts_a_day = 60": "alerts_a_day = 30", "depth = 6": "depth = 4"})
    listed = {'blocked = "demo-blocked.list"': 'blocked = "demo-blocked.list"\nwatched = "watched.txt"'}
    configuration("now.toml", {'"../var/demo/model"': '"second"', '"demo.rules"': '"new.rules"', **listed, **quiet}, behind.format("data2"))
    paywarden("train", "--config", "live.toml", "--data", "history.ndjson", "--out", "first")
    paywarden("train", "--config", "second.toml", "--data", "history.ndjson", "--out", "second")
    review_at = {name: json.loads(pathlib.Path(name, "bundle.json").read_text())["thresholds"]["review"] for name in ("first", "second")}

    other = JudgingServer("now.toml", keys_of("now.toml", "intake", "admin"))
    try:
        now = feed(other, changes=False)
    finally:
        other.stop()
    live = JudgingServer("live.toml", keys_of("live.toml", "intake", "admin"))
    try:
        then = feed(live, changes=True)
        for i, decision in enumerate(then):
            decision["outcome"] = decision.get("would_be", decision["outcome"])
            if i >= 5 * BATCH:
                decision["review_at"] = THRESHOLDS["review"]
        sides = [(then, review_at["first"]), (now, review_at["second"])]
        since, until = PAYMENTS[BATCH]["event_time"], PAYMENTS[6 * BATCH]["event_time"]
        check("the whole log", backtest("--journal"), sides)
        check("within a span", got := backtest("--journal", "--from", since, "--until", until), sides, since, until)
        if not any(rule["name"] == "watched" and rule["hits"] for rule in got["proposed"]["rules"]):
            fail("a rule about a list that stands in the log alone never fires")
        check("without a word genuine", backtest("--journal", "--genuine-after", "2d"), sides, genuine_after=timedelta(days=2))
        meanwhile(live, until, backtest("--journal", "--until", until))
    finally:
        live.stop()
    pathlib.Path("empty").mkdir()
    for words, says in ((["empty"], "empty: there is no journal here"), (["absent"], "absent")):
        said = paywarden("backtest", "--config", "live.toml", "--journal", *words, fails=True)
        if says not in said.strip().splitlines()[-1]:
            fail(f"{words}: the line does not say '{says}': {said}")
