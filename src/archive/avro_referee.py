#!/usr/bin/env python3
"""Reads an Avro file of the archive with another reader (fastavro) and holds it to the lines of the same decisions as JSON.

    avro_referee.py FILE.avro LINES.json

Prints how many records there are. Runs in the Python environment of scripts/test-servers.sh.
"""
import json
import struct
import sys
from datetime import datetime

import fastavro

STANDARD = ["payment_id", "merchant", "category", "latitude", "longitude", "merchant_latitude", "merchant_longitude"]
HEAD = ["event_time", "receipt_time", "card_token", "card", "amount", "currency"]


def as_float32(number):
    return None if number is None else struct.unpack("f", struct.pack("f", number))[0]


def time_of(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def expected(line):
    said = json.loads(line)
    payment = said.pop("payment")
    record = {"late": False, "approximate": [], "guarded": False, "would_be": None, "more": {}, **said}
    record["score"] = as_float32(record["score"])
    record["event_time"] = time_of(record["event_time"])
    for reason in record["reasons"]:
        for key in ["value", "usual", "contribution"]:
            reason[key] = as_float32(reason[key])
        reason.setdefault("text", None)
    record["payment"] = {name: payment.get(name) for name in HEAD + STANDARD}
    for key in ["event_time", "receipt_time"]:
        record["payment"][key] = time_of(payment[key])
    record["payment"]["fields"] = {key: value for key, value in payment.items() if key not in HEAD + STANDARD}
    return record


def main():
    with open(sys.argv[1], "rb") as file, open(sys.argv[2]) as lines:
        records = list(fastavro.reader(file))
        wanted = [expected(line) for line in lines]
    if len(records) != len(wanted):
        sys.exit(f"{len(records)} records instead of {len(wanted)}")
    for record, want in zip(records, wanted):
        if record != want:
            sys.exit(f"in Avro\n{record}\nand as a line\n{want}")
    print(len(records))


if __name__ == "__main__":
    main()
