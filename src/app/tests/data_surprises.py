#!/usr/bin/env python3
"""What a data scientist's own data and habits do to the commands that train and measure: payments that are sent twice, files in no order,
labels that are not there, outputs with the name of an input, a bundle that did not decide. Nothing is lost, and nothing wrong is silent.

  data_surprises.py PROGRAM PROJECT_ROOT
"""
import csv
import gzip
import hashlib
import json
import os
import pathlib
import random
import re
import tempfile

from program import configuration, copy_demo, fail, paywarden

DEMO = ("--config", "demo.toml")


def refused(words, *phrases):
    said = paywarden(*words, fails=True).strip().splitlines()[-1]
    print(f"{' '.join(words[:1])}: {said}")
    for phrase in phrases:
        if phrase not in said:
            fail(f"{words}: the line does not say '{phrase}': {said}")


def content(name):
    return hashlib.sha256(pathlib.Path(name).read_bytes()).hexdigest()


def repeats_and_order(lines):
    """A payment that is sent twice is one row with the features that it has in service; no row is lost because of where it stands."""
    paywarden("export", *DEMO, "--data", "history.ndjson", "--out", "once.csv")
    pathlib.Path("twice.ndjson").write_text("".join(line + line for line in lines))
    said = paywarden("export", *DEMO, "--data", "twice.ndjson", "--out", "twice.csv", told=True)
    if f"{len(lines)} repeats and 0 conflicts dropped" not in said or "lateness_max" in said:
        fail(f"nothing is said of repeats: {said}")
    if content("once.csv") != content("twice.csv"):
        fail("payments that are sent twice are other rows")
    shuffled = list(lines)
    random.Random(1).shuffle(shuffled)
    pathlib.Path("shuffled.ndjson").write_text("".join(shuffled))
    said = paywarden("export", *DEMO, "--data", "shuffled.ndjson", "--out", "shuffled.csv", told=True)
    if "older than one before them: sort the data by time" not in said:
        fail(f"nothing is said of data in no order: {said}")
    times = [row["event_time"] for row in csv.DictReader(open("shuffled.csv"))]
    if sorted(times) != sorted(row["event_time"] for row in csv.DictReader(open("once.csv"))):
        fail(f"of {len(lines)} payments in no order {len(times)} are rows")


def conflicts(lines):
    """Another payment under an id that was used is dropped, and so is what its label says."""
    def with_impostor(i, line):
        impostor = dict(json.loads(line), amount="1.23", is_fraud=1)
        return line + (json.dumps(impostor) + "\n" if i % 20 == 7 else "")

    pathlib.Path("impostors.ndjson").write_text("".join(with_impostor(i, line) for i, line in enumerate(lines)))
    dropped = f"{len(lines) // 20} conflicts dropped"
    said = paywarden("export", *DEMO, "--data", "impostors.ndjson", "--out", "impostors.csv", told=True)
    if dropped not in said:
        fail(f"nothing is said of conflicts: {said}")
    if content("once.csv") != content("impostors.csv"):
        fail("labels of payments that are dropped count in the rows")
    for name in ("history", "impostors"):
        said = paywarden("replay", *DEMO, "--model", "model", "--data", f"{name}.ndjson", "--out", f"{name}-decided.ndjson", told=True)
    if dropped not in said or f"{len(lines) // 20} rejected as conflict, the first: impostors.ndjson:9: payment_id: is the id of another" not in said:
        fail(f"nothing is said of conflicts: {said}")
    if content("history-decided.ndjson") != content("impostors-decided.ndjson"):
        fail("labels of payments that are dropped count in decisions")
    last = ("--payment", json.loads(lines[-1])["payment_id"])
    explained = [paywarden("explain", *DEMO, "--model", "model", "--data", f"{name}.ndjson", *last) for name in ("history", "impostors")]
    if explained[0] != explained[1]:
        fail("payments that are dropped count in what is explained")
    kept = []
    for name in ("history", "impostors"):
        configuration(f"{name}.toml", {}, f'\n[data]\ndirectory = "{name}"\ndisk_free_min = "64MiB"\n')
        said = paywarden("backfill", "--config", f"{name}.toml", "--data", f"{name}.ndjson", told=True)
        kept.append(re.search("[0-9]+ payments and [0-9]+ labels kept", said)[0])
    rejects = [json.loads(line) for line in open("impostors/rejects.ndjson")]
    if [(r["source"], r["line"], r["reason"], r["field"]) for r in rejects] != [
            ("impostors.ndjson", 9 + 21 * i, "conflict", "payment_id") for i in range(len(lines) // 20)]:
        fail(f"conflicts are not kept with their places: {rejects[:3]}")
    text = pathlib.Path("impostors.ndjson").read_text().splitlines()
    pathlib.Path("late.ndjson").write_text(text[21 * (len(lines) // 20) - 13] + "\n")
    said = paywarden("backfill", "--config", "history.toml", "--data", "late.ndjson", told=True)
    if "1 rejected as conflict, the first: late.ndjson:1:" not in said:
        fail(f"nothing is said of a conflict with the log: {said}")
    log_and_impostor(lines)
    if kept[0] != kept[1]:
        fail(f"labels of payments that are dropped are kept in the log: {kept}")


def log_and_impostor(lines):
    """The log's payment is the first under its id: one of a later file does not take its place, and labels nothing."""
    configuration("log.toml", {}, '\n[data]\ndirectory = "log"\ndisk_free_min = "64MiB"\n')
    genuine = next(line for line in lines if json.loads(line)["is_fraud"] == 0)
    impostor = dict(json.loads(genuine), amount="7.77", is_fraud=1)
    later = dict(json.loads(genuine), payment_id="later", event_time="2027-01-01T00:00:00Z", is_fraud=0)
    pathlib.Path("genuine.ndjson").write_text(genuine)
    pathlib.Path("impostor.ndjson").write_text(json.dumps(impostor) + "\n" + genuine + json.dumps(later) + "\n")
    paywarden("backfill", "--config", "log.toml", "--data", "genuine.ndjson")
    said = paywarden("backfill", "--config", "log.toml", "--data", "impostor.ndjson", told=True)
    if "1 payments and 0 labels kept, 1 were known, 1 conflicts" not in said or "1 rejected as conflict, the first: impostor.ndjson:1:" not in said:
        fail(f"a file's payment counts instead of the log's: {said}")
    if [json.loads(line)["line"] for line in open("log/rejects.ndjson")] != [1]:
        fail("another row is kept as the conflict than the one that is")


def labels(lines):
    payments = [json.loads(line) for line in lines]
    bare = [{key: value for key, value in payment.items() if key != "is_fraud"} for payment in payments]
    pathlib.Path("bare.ndjson").write_text("".join(json.dumps(payment) + "\n" for payment in bare))
    for command in (("train", "--out", "none"), ("export", "--out", "none.csv")):
        refused((command[0], *DEMO, "--data", "bare.ndjson", *command[1:]), "the data have no labels", "schema.label")
    half = [p if i % 2 else b for i, (p, b) in enumerate(zip(payments, bare))]
    pathlib.Path("half.ndjson").write_text("".join(json.dumps(payment) + "\n" for payment in half))
    said = paywarden("export", *DEMO, "--data", "half.ndjson", "--out", "half.csv", told=True)
    if f"warning: {len(lines) // 2} of {len(lines)} rows have no label" not in said:
        fail(f"nothing is said of labels that are missing: {said}")
    with open("table.csv", "w", newline="") as file:
        columns = [key for key in payments[0] if key != "device"]
        table = csv.DictWriter(file, columns, extrasaction="ignore")
        table.writeheader()
        table.writerows(payments)
    said = paywarden("export", *DEMO, "--data", "table.csv", "--out", "rows.csv", told=True)
    if "the column 'device' is not in table.csv" not in said:
        fail(f"nothing is said of a column that is missing: {said}")


def rejects(lines):
    pathlib.Path("damaged.ndjson").write_text("".join(line[:50] + "\n" if i % 10 == 3 else line for i, line in enumerate(lines)))
    said = paywarden("export", *DEMO, "--data", "damaged.ndjson", "--out", "rest.csv", told=True)
    if f"{len(lines) // 10} rejected as not_json, the first: damaged.ndjson:4: the input is not valid JSON" not in said:
        fail(f"rejects without their reason: {said}")
    pathlib.Path("other.ndjson").write_text('{"shoe_size":43}\n' * 100)
    refused(("replay", *DEMO, "--model", "model", "--data", "other.ndjson", "--out", "none.ndjson"), "all 100 rows were rejected",
            "other.ndjson:1: payment_id: is missing", "is it the file that [schema] describes?")
    for command in (("train", "--out", "none"), ("export", "--out", "none.csv"), ("explain", "--model", "model", "--payment", "p1"),
                    ("evaluate", "--decisions", "history-decided.ndjson", "--out", "none")):
        refused((command[0], *DEMO, "--data", "other.ndjson", *command[1:]), "all 100 rows were rejected")
    last = json.loads(lines[-1])["payment_id"]
    pathlib.Path("cut.ndjson").write_text("".join(lines[:-1]) + lines[-1][:60] + "\n")
    said = paywarden("explain", *DEMO, "--model", "model", "--data", "cut.ndjson", "--payment", last, fails=True)
    if f"1 rejected as not_json, the first: cut.ndjson:{len(lines)}:" not in said or f"no payment with the id '{last}'" not in said:
        fail(f"explain says nothing of what was rejected: {said}")


def damage(lines):
    """A file that ends in damage is the error; what was rejected before it is said all the same."""
    whole = gzip.compress("".join(line[:50] + "\n" if i % 10 == 3 else line for i, line in enumerate(lines)).encode())
    pathlib.Path("cut.ndjson.gz").write_bytes(whole[:len(whole) // 2])
    configuration("cut.toml", {}, '\n[data]\ndirectory = "cut"\ndisk_free_min = "64MiB"\n')
    for command in (("train", "--out", "none"), ("export", "--out", "none.csv"), ("replay", "--model", "model", "--out", "cut-decided.ndjson"),
                    ("explain", "--model", "model", "--payment", "p1"), ("backtest", "--rules", "demo.rules"), ("backfill",),
                    ("evaluate", "--decisions", "history-decided.ndjson", "--out", "none")):
        said = paywarden(command[0], "--config", "cut.toml", "--data", "cut.ndjson.gz", *command[1:], fails=True)
        if "rejected as not_json, the first: cut.ndjson.gz:4:" not in said or "the compressed data" not in said.strip().splitlines()[-1]:
            fail(f"{command[0]} over a damaged file: {said}")


def currencies(lines):
    """A payment whose currency has no rate is no payment, for every command that reads files, as for the service; the others are as without it."""
    strange = [dict(json.loads(line), payment_id=f"strange-{i}", currency="GBP") for i, line in enumerate(lines[:30:10])]
    pathlib.Path("strange.ndjson").write_text("".join(json.dumps(payment) + "\n" for payment in strange) + "".join(lines))
    for command in (("export", "--out", "strange.csv"), ("replay", "--model", "model", "--out", "strange-decided.ndjson"),
                    ("backtest", "--rules", "demo.rules")):
        said = paywarden(command[0], *DEMO, "--data", "strange.ndjson", *command[1:], told=True)
        if ("3 rejected as no_rate, the first: strange.ndjson:1: currency: there is no exchange rate for GBP; "
                "add it to [currency] rates (value 'GBP')") not in said:
            fail(f"{command[0]} takes a currency without a rate: {said}")
    if content("strange.csv") != content("once.csv") or content("strange-decided.ndjson") != content("history-decided.ndjson"):
        fail("payments in a currency without a rate count")
    configuration("once.toml", {}, '\n[data]\ndirectory = "once"\ndisk_free_min = "64MiB"\n')
    said = paywarden("evaluate", "--config", "once.toml", "--decisions", "strange-decided.ndjson", "--data", "strange.ndjson", "--model", "model",
                     "--out", "strange-report", told=True)
    if "3 rejected as no_rate, the first: strange.ndjson:1:" not in said:
        fail(f"evaluate says nothing of what was rejected: {said}")
    if json.loads(pathlib.Path("strange-report/metrics.json").read_text())["notes"]["refused"] != 3:
        fail("evaluate takes a currency without a rate")
    if [json.loads(line)["line"] for line in open("once/rejects.ndjson")] != [1, 2, 3]:
        fail("evaluate keeps what it rejects more than once, as it reads the files for the model again")


def outputs():
    """What is read is never written over, nor is a directory that holds something else than a bundle."""
    os.symlink("history.ndjson", "link.csv")
    os.mkdir("notes")
    pathlib.Path("notes/plan.txt").write_text("mine")
    pathlib.Path("new.rules").write_text(pathlib.Path("demo.rules").read_text())
    here = ["history.ndjson", "demo.toml", "new.rules", "model/model.json", "notes/plan.txt"]
    before = [content(name) for name in here]
    data = ("--data", "history.ndjson")
    for words in (("train", *DEMO, *data, "--out", "history.ndjson"), ("train", *DEMO, *data, "--out", "demo.toml"),
                  ("export", *DEMO, *data, "--out", "link.csv"), ("replay", *DEMO, *data, "--model", "model", "--out", "model/model.json"),
                  ("replay", *DEMO, *data, "--model", "model", "--out", "demo.toml"),
                  ("backtest", *DEMO, *data, "--rules", "new.rules", "--out", "new.rules"),
                  ("backtest", *DEMO, *data, "--rules", "new.rules", "--out", "./history.ndjson"),
                  ("import", *DEMO, "--model", "model/model.json", "--review-at", "0.5", "--decline-at", "0.9", "--out", "demo.toml"),
                  ("import", *DEMO, "--model", "model/model.json", "--review-at", "0.5", "--decline-at", "0.9", "--out", "model"),
                  ("replay", *DEMO, *data, "--model", "model", "--out", "demo.rules"),
                  ("backfill", *DEMO, *data, "--pending-labels", "history.ndjson"),
                  ("export", *DEMO, *data, "--out", "demo-blocked.list", "--format", "csv")):
        refused(words, "is read, and would be written over", "give the output another name")
    refused(("train", *DEMO, *data, "--out", "notes"), "notes: a directory stands here that is no bundle: 'plan.txt' would be lost")
    refused(("train", *DEMO, *data, "--out", "notes/plan.txt"), "a file stands here, which would be lost")
    if before != [content(name) for name in here]:
        fail("an input is no longer what it was")


def other_models():
    paywarden("import", *DEMO, "--model", "model/model.json", "--review-at", "0.4", "--decline-at", "0.9", "--out", "other")
    demo = pathlib.Path("demo.toml").read_text()
    pathlib.Path("shadowed.toml").write_text(demo + '\n[model]\nshadow = "other"\n' if "[model]" not in demo else
                                             demo.replace("[model]\n", '[model]\nshadow = "other"\n'))
    paywarden("replay", "--config", "shadowed.toml", "--model", "model", "--data", "history.ndjson", "--out", "decisions.ndjson", "--no-reasons")
    measured = ("evaluate", *DEMO, "--decisions", "decisions.ndjson", "--data", "history.ndjson", "--out", "report")
    refused((*measured, "--model", "other"), "the decisions are of model 'model', and this is 'other'")
    paywarden(*measured, "--model", "model")
    paywarden(*measured, "--shadow", "--model", "other")
    if json.loads(pathlib.Path("report/metrics.json").read_text())["models"] != ["other"]:
        fail("the shadow model of a replay is not measured")
    backtest = ("backtest", *DEMO, "--model", "other", "--data", "history.ndjson", "--from")
    refused((*backtest, "2090-01-01"), "there is no payment to compare", "--from")
    refused((*backtest, "2026-01-02", "--until", "2026-01-01"), "--from is not before --until")
    said = paywarden("replay", *DEMO, "--model", "model", "--data", "history.ndjson", "--from", "2090-01-01", "--out", "none.ndjson", told=True)
    if "warning: no payment is of 2090-01-01" not in said:
        fail(f"nothing is said of a time without payments: {said}")


def main():
    copy_demo()
    configuration("demo.toml", {"../var/demo/model": "model"})
    paywarden("simulate", "--payments", "40000", "--customers", "500", "--out", "all.ndjson")
    lines = pathlib.Path("all.ndjson").read_text().splitlines(keepends=True)
    pathlib.Path("history.ndjson").write_text("".join(lines))
    paywarden("train", *DEMO, "--data", "history.ndjson", "--out", "model")
    repeats_and_order(lines[:])
    conflicts(lines)
    labels(lines)
    rejects(lines)
    damage(lines)
    currencies(lines)
    outputs()
    other_models()


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    main()
