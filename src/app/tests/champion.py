#!/usr/bin/env python3
"""A champion and its challenger on the running program: the challenger scores every payment in shadow and never acts; then it is promoted
under a load of 2,000 payments/s over HTTP, and the former one again. Nothing is lost, decided twice or answered by default; each decision
names its model, and the models follow one another in the order of the promotions.

  champion.py PROGRAM LOADGEN PROJECT_ROOT
"""
import collections
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

from program import Server, configuration, copy_demo, fail, keys_of, paywarden

loadgen = pathlib.Path(sys.argv[2]).resolve()
SHADOWED = 5000
RATE, SECONDS = 2000, 9


def make_files():
    copy_demo()
    behind = '\n[data]\ndirectory = "data"\ndisk_free_min = "64MiB"\n[archive]\nkind = "folder"\ndirectory = "archive"\nbatch_time = "1s"\n'
    behind += '[api]\ndeadline = "20s"\n'  # how long answers take says nothing of what is lost
    changes = {'directory = "../var/demo/model"': 'directory = "champion"\nshadow = "challenger"', "\nrate = ": "\nrate = 0 # "}
    configuration("champion.toml", changes, behind)
    configuration("challenger.toml", {**changes, "depth = 6": "depth = 3", "alerts_a_day = 60": "alerts_a_day = 30"}, behind)
    paywarden("simulate", "--payments", "20000", "--customers", "500", "--out", "history.ndjson")
    paywarden("simulate", "--payments", str(SHADOWED), "--customers", "500", "--seed", "3", "--out", "payments.ndjson")
    paywarden("train", "--config", "champion.toml", "--data", "history.ndjson", "--out", "champion")
    paywarden("train", "--config", "challenger.toml", "--data", "history.ndjson", "--out", "challenger")
    for role, key in keys_of("champion.toml", "intake", "admin", "observer").items():
        pathlib.Path(f"{role}.key").write_text(key)


def metric(url, name):
    request = urllib.request.Request(url + "/metrics", headers={"Authorization": "Bearer " + pathlib.Path("observer.key").read_text()})
    with urllib.request.urlopen(request) as answer:
        return sum(float(line.rsplit(" ", 1)[1]) for line in answer.read().decode().splitlines() if line.startswith(name))


def replayed(model):
    paywarden("replay", "--config", "champion.toml", "--model", model, "--data", "payments.ndjson", "--out", "out.ndjson", "--no-reasons")
    with open("out.ndjson") as file:
        return {d["payment_id"]: d for d in map(json.loads, file)}


def check_bytes(lines):
    """What was answered is what replay writes, reasons, their sentences and the shadow's word included."""
    paywarden("replay", "--config", "champion.toml", "--model", "champion", "--data", "payments.ndjson", "--out", "whole.ndjson")
    expected = pathlib.Path("whole.ndjson").read_text().splitlines()
    answered = [line for line in lines if '"decision":' in line]
    if len(answered) != len(expected):
        fail(f"{len(answered)} decisions answered, {len(expected)} replayed")
    for line, decision in zip(answered, expected):
        if f'"decision":{decision}' not in line:
            fail(f"answered {line}\nreplayed {decision}")
    reasons = [reason for decision in map(json.loads, expected) for reason in decision["reasons"]]
    if not reasons or not all(reason.get("text") for reason in reasons):
        fail(f"of {len(reasons)} reasons some have no sentence")
    print(f"bytes: {len(answered)} answers are replay's, with {len(reasons)} sentences, such as: {reasons[0]['text']}")


def check_shadow(url):
    body = pathlib.Path("payments.ndjson").read_bytes()
    request = urllib.request.Request(url + "/v1/payments:batch", data=body, headers={
        "Authorization": "Bearer " + pathlib.Path("intake.key").read_text(), "Content-Type": "application/x-ndjson"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        raw = answer.read().decode().splitlines()
    check_bytes(raw)
    lines = [json.loads(line) for line in raw]
    decisions = [line["decision"] for line in lines if "decision" in line]
    champion, challenger = replayed("champion"), replayed("challenger")
    differ = collections.Counter()
    for decision in decisions:
        acted, other, shadow = champion[decision["payment_id"]], challenger[decision["payment_id"]], decision["shadow"]
        if (decision["outcome"], decision["score"], decision["model"]) != (acted["outcome"], acted["score"], "champion"):
            fail(f"with a shadow it is decided otherwise: {decision}, without {acted}")
        if (shadow["outcome"], shadow["score"], shadow["model"]) != (other["outcome"], other["score"], "challenger"):
            fail(f"the shadow says {shadow}, the model itself {other}")
        differ[f"{decision['outcome']}/{shadow['outcome']}"] += 1
    if len(decisions) != SHADOWED or len(differ) < 4:
        fail(f"{len(decisions)} decisions of {SHADOWED}; outcome/shadow's: {differ}")
    for cell, count in differ.items():
        if metric(url, f'paywarden_shadow_total{{outcomes="{cell}"}}') != count:
            fail(f"/metrics counts {cell} otherwise than {count}")
    print(f"shadow: {len(decisions)} decisions as without it; outcome/shadow's: {dict(differ)}")

    with open("live.ndjson", "w") as file:
        file.writelines(json.dumps(decision) + "\n" for decision in decisions)
    figures = {}
    for name, words in (("champion", []), ("challenger", ["--shadow"])):
        paywarden("evaluate", "--config", "champion.toml", "--decisions", "live.ndjson", "--data", "payments.ndjson", "--out", name + "-report", *words)
        live = json.loads(pathlib.Path(name + "-report/metrics.json").read_text())
        with open("alone.ndjson", "w") as file:
            for decision in (champion if name == "champion" else challenger).values():
                file.write(json.dumps({key: value for key, value in decision.items() if key != "shadow"}) + "\n")
        paywarden("evaluate", "--config", "champion.toml", "--decisions", "alone.ndjson", "--data", "payments.ndjson", "--out", "alone-report")
        alone = json.loads(pathlib.Path("alone-report/metrics.json").read_text())
        figures[name] = live["average_precision"]
        if live["average_precision"] != alone["average_precision"]:
            fail(f"evaluate measures {name} as {live['average_precision']}, alone {alone['average_precision']}")
    print(f"evaluate: average precision {figures}")
    said = paywarden("evaluate", "--config", "champion.toml", "--decisions", "alone.ndjson", "--data", "payments.ndjson", "--out", "no-report", "--shadow", fails=True)
    if "alone.ndjson:1: no shadow model has scored it" not in said:
        fail(f"decisions without a shadow: {said}")


def promote(url, model, key="admin.key", fails=False):
    return paywarden("model", "promote", "--url", url, "--key-file", key, "--model", model, "--reason", "a test", fails=fails)


def check_promotion(url):
    load = subprocess.Popen([loadgen, "--url", url, "--key", "intake.key", "--rate", str(RATE), "--seconds", str(SECONDS), "--deadline-ms", "30000", "--json", "load.json"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for model in ("challenger", "champion", "challenger"):
        time.sleep(SECONDS / 5)
        promote(url, model)
    if "role admin" not in promote(url, "champion", "observer.key", fails=True):
        fail("a key of another role is not told what it needs")
    if "absent" not in promote(url, "absent", fails=True):
        fail("a bundle that is absent is not named")
    status = load.wait(120)
    report = json.loads(pathlib.Path("load.json").read_text())
    print("load: " + json.dumps({k: v for k, v in report.items() if isinstance(v, (int, float))}))
    if status != 0:
        fail(f"the load generator ended with {status}")
    for _ in range(100):
        if metric(url, "paywarden_archive_pending_records") == 0:
            break
        time.sleep(0.2)
    if metric(url, "paywarden_default_answers_total") != 0:
        fail("somebody was answered by default")


def archived():
    out = []
    for path in pathlib.Path("archive").rglob("*.json.gz"):
        with gzip.open(path, "rt") as file:
            out += [json.loads(line) for line in file]
    return out


def check_log():
    decisions = sorted(archived(), key=lambda line: line["offset"])
    ids = collections.Counter(d["payment_id"] for d in decisions)
    if len(ids) != SHADOWED + RATE * SECONDS or ids.most_common(1)[0][1] != 1:
        fail(f"{len(ids)} payments decided of {SHADOWED + RATE * SECONDS}, the most frequent {ids.most_common(1)}")
    models = [decisions[0]["model"]]
    for decision in decisions:
        if decision["model"] != models[-1]:
            models.append(decision["model"])
    if models != ["champion", "challenger", "champion", "challenger"]:
        fail(f"the models followed one another so: {models}")
    print(f"log: {len(ids)} payments, each decided once; models in turn: {', '.join(models)}")


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    make_files()
    server = Server("champion.toml")
    try:
        check_shadow(server.url)
        check_promotion(server.url)
        server.stop()
        check_log()
    finally:
        server.end()
