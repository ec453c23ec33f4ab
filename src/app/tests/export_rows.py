#!/usr/bin/env python3
"""`paywarden export` as Avro, read back by another reader (fastavro) and held to the CSV of the same rows: event times, labels and every
feature of every row, floats to the bit; amounts to the payments themselves.

  export_rows.py PROGRAM PROJECT_ROOT      needs build/test-venv (scripts/test-servers.sh); else ends with 77, skipped
"""
import csv
import json
import os
import pathlib
import struct
import subprocess
import tempfile
import tomllib
from datetime import datetime

from program import PROGRAM, configuration, copy_demo, fail, in_test_venv, paywarden

in_test_venv("the Python package fastavro")

import fastavro

# Names that Avro cannot have, or has for something else.
RENAMED = {"card_frauds_30d": "card frauds, 30d", "merchant_fraud_rate_30d": "3rd-party rate", "amount_value": "is_fraud"}
IN_AVRO = {"card frauds, 30d": "card_frauds__30d", "3rd-party rate": "_3rd_party_rate", "is_fraud": "is_fraud_2"}


def bits(number):
    return struct.pack("<f", number)


def time_of(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def export(out, *words):
    paywarden("export", "--config", "rows.toml", "--data", "history.ndjson", "--out", out, *words)


def read_csv(path):
    with open(path, newline="") as file:
        header, *lines = csv.reader(file)
    return header, lines


def check_schema(schema, features):
    fields = schema["fields"]
    wanted = ["event_time", "is_fraud", "amount"] + [IN_AVRO.get(name, name) for name in features]
    if [field["name"] for field in fields] != wanted:
        fail(f"the schema's fields are {[field['name'] for field in fields]}, not {wanted}")
    if (fields[0]["type"], fields[1]["type"], fields[2]["type"]) != ({"type": "long", "logicalType": "timestamp-millis"}, "boolean", "double"):
        fail(f"the types of the first fields: {fields[:3]}")
    for field, name in zip(fields[3:], features):
        if field["type"] != ["null", "float"] or field.get("feature", field["name"]) != name:
            fail(f"feature {name}: {field}")


def check(path, codec, features, lines, payments):
    with open(path, "rb") as file:
        reader = fastavro.reader(file)
        if reader.metadata["avro.codec"] != codec:
            fail(f"{path}: codec {reader.metadata['avro.codec']}")
        check_schema(json.loads(reader.metadata["avro.schema"]), features)
        rows = list(reader)
    if len(rows) != len(lines) or len(rows) != len(payments):
        fail(f"{path}: {len(rows)} rows, {len(lines)} in CSV, {len(payments)} payments")
    missing = 0
    for row, line, payment in zip(rows, lines, payments):
        time, fraud, amount, *values = row.values()
        if time != time_of(line[0]) or time != time_of(payment["event_time"]) or fraud is not (line[1] == "1") or fraud is not bool(payment["is_fraud"]):
            fail(f"{path}: {row}, in CSV {line}, the payment {payment}")
        if payment["currency"] == BASE and amount != float(payment["amount"]):
            fail(f"{path}: amount {amount} of {payment}")
        for value, text in zip(values, line[2:], strict=True):
            missing += value is None
            if (value is None) != (text == "") or (value is not None and bits(value) != bits(float(text))):
                fail(f"{path}: {value} where CSV has '{text}': {row}")
    print(f"{path}: codec {codec}, {len(rows)} rows of {len(features)} features as in CSV, {missing} values missing, {os.path.getsize(path)} bytes")
    if missing == 0:
        fail("no value is missing, so missing ones are not tried")


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    copy_demo()
    configuration("rows.toml", {f'name = "{old}"': f'name = "{new}"' for old, new in RENAMED.items()})
    pathlib.Path("demo.rules").write_text("")  # they name features
    BASE = tomllib.loads(pathlib.Path("demo.toml").read_text())["currency"]["base"]
    paywarden("simulate", "--payments", "20000", "--customers", "500", "--out", "history.ndjson")
    export("rows.csv")
    header, rows = read_csv("rows.csv")
    features = header[2:]
    payments = [json.loads(line) for line in pathlib.Path("history.ndjson").read_text().splitlines()][-len(rows):]
    export("rows.avro")
    check("rows.avro", "deflate", features, rows, payments)
    export("plain.avro", "--codec", "null")
    check("plain.avro", "null", features, rows, payments)
    export("same", "--format", "avro")
    check("same", "deflate", features, rows, payments)
    export("as.gz", "--format", "csv")
    if subprocess.run(["zcat", "as.gz"], capture_output=True).stdout != pathlib.Path("rows.csv").read_bytes():
        fail("CSV that is compressed is other CSV")
    for out, words, says in (("rows.txt", [], "must end with"), ("rows.csv", ["--format", "avro"], "no name for Avro"), ("rows.avro", ["--codec", "zstd"], "zstd")):
        done = subprocess.run([PROGRAM, "export", "--config", "rows.toml", "--data", "history.ndjson", "--out", out, *words], capture_output=True, text=True)
        if done.returncode != 2 or says not in done.stderr:
            fail(f"{out} {words}: ended with {done.returncode}: {done.stderr}")
