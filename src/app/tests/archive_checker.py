#!/usr/bin/env python3
"""Holds an archive to the journal that it was made of.

    archive_checker.py wait --url URL --key-file F            until the server's log is archived to its end
    archive_checker.py check --directory D --journal DATA/journal
    archive_checker.py check --endpoint URL --bucket B --journal DATA/journal      with boto3, and its credentials

check: the objects tile the log: every decision of the journal is in exactly one object, byte for byte as it was answered, in order, between
the offset in its object's name and the one in the next object's name, with the payment that it was made on. Nothing else is there, and no
object is half written.
"""
import argparse
import gzip
import json
import os
import re
import struct
import sys
import time
import urllib.request
from datetime import datetime, timezone

SEGMENT_HEADER, GROUP_HEADER, RECORD_HEADER = 64, struct.Struct("<QQIIII"), struct.Struct("<IIQ")
PAYMENT, DECISION = 1, 2
DECISION_HEAD = 15
NAME = re.compile(r"topics/decisions/year=(\d{4})/month=(\d\d)/day=(\d\d)/hour=(\d\d)/decisions\+0\+(\d{10})\.json(|\.gz)$")
WAIT_SECONDS_MAX = 60


def fail(what):
    sys.exit(f"archive_checker: {what}")


def metric(url, key, name):
    request = urllib.request.Request(url + "/metrics", headers={"Authorization": "Bearer " + key})
    with urllib.request.urlopen(request, timeout=10) as answer:
        found = re.search(rf"^{name} (\S+)$", answer.read().decode(), re.M)
    return float(found[1]) if found else None


def wait(url, key):
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            pending = metric(url, key, "paywarden_archive_pending_records")
        except urllib.error.HTTPError as error:
            if error.code != 401:  # a new key is known within seconds
                raise
            pending = None
        if pending == 0:
            return
        time.sleep(0.2)
    fail(f"the log is not archived to its end after {WAIT_SECONDS_MAX} s")


def journal_records(directory):
    """(sequence, kind, bytes) of all records. Where a segment begins, the one before it ends, whatever bytes follow there: a kill leaves a
    torn group, and the last whole one is written anew."""
    names = sorted(name for name in os.listdir(directory) if name.endswith(".pwj"))
    begins = [int(name.removeprefix("journal-").removesuffix(".pwj")) for name in names]
    for name, end in zip(names, begins[1:] + [1 << 64]):
        with open(os.path.join(directory, name), "rb") as file:
            data = file.read()
        at = SEGMENT_HEADER
        while at + GROUP_HEADER.size <= len(data):
            _, sequence, body, records, _, _ = GROUP_HEADER.unpack_from(data, at)
            if sequence >= end:
                break
            record = at + GROUP_HEADER.size
            for i in range(records):
                _, kind_and_length, _ = RECORD_HEADER.unpack_from(data, record)
                length = kind_and_length >> 8
                begin = record + RECORD_HEADER.size
                yield sequence + i, kind_and_length & 255, data[begin:begin + length]
                record = begin + length
            at += GROUP_HEADER.size + body


def time_text(ms):
    return datetime.fromtimestamp(ms / 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03}Z"


def expected_lines(journal):
    """sequence -> (how the line begins, what its payment says)."""
    expected, payment = {}, None
    for sequence, kind, record in journal_records(journal):
        if kind == PAYMENT:
            event_time, receipt_time = struct.unpack_from("<qq", record, 2)
            payment = {"event_time": time_text(event_time), "receipt_time": time_text(receipt_time),
                       "card_token": record[18:34].hex()}
        elif kind == DECISION:
            begin = b'{"offset":%d,' % sequence + record[DECISION_HEAD + 1:-1] + b',"payment":'
            expected[sequence] = (begin, payment)
    return expected


def folder_objects(directory):
    objects = {}
    for folder, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                objects[os.path.relpath(path, directory)] = file.read()
    return objects


def bucket_objects(endpoint, bucket):
    import boto3

    store = boto3.resource("s3", endpoint_url=endpoint, region_name="us-east-1").Bucket(bucket)
    return {entry.key: entry.get()["Body"].read() for entry in store.objects.all()}


def unpacked(name, data):
    return gzip.decompress(data) if name.endswith(".gz") else data


def check_line(line, sequence, expected):
    begin, payment = expected[sequence]
    if not line.startswith(begin):
        fail(f"offset {sequence} is not as it was answered:\n{line}\n{begin}")
    said = json.loads(line)
    if said["payment"]["payment_id"] != said["payment_id"]:
        fail(f"offset {sequence} has another payment")
    for key, value in payment.items():
        if said["payment"][key] != value:
            fail(f"offset {sequence}: {key} is {said['payment'][key]}, in the journal {value}")
    return said


def check(objects, journal):
    expected = expected_lines(journal)
    starts = {}
    for name in objects:
        parts = NAME.match(name)
        if not parts:
            fail(f"the name {name}")
        starts[int(parts[5])] = (name, "-".join(parts.groups()[:3]) + "T" + parts[4])
    found = []
    ends = sorted(starts)[1:] + [max(expected) + 1]
    for (start, (name, hour)), end in zip(sorted(starts.items()), ends):
        first = True
        for line in unpacked(name, objects[name]).splitlines():
            sequence = int(line[len('{"offset":'):line.index(b",")])
            if not start <= sequence < end:
                fail(f"{name} has offset {sequence}, which is not in [{start}, {end})")
            if sequence not in expected:
                fail(f"{name} has offset {sequence}, which is no decision of the log")
            said = check_line(line, sequence, expected)
            if first and not said["event_time"].startswith(hour):
                fail(f"{name} begins with a payment of {said['event_time']}")
            first = False
            found.append(sequence)
    if found != sorted(expected):
        fail(f"{len(found)} decisions are archived, {len(expected)} are in the log")
    print(f"{len(found)} decisions in {len(objects)} objects, each exactly once")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["wait", "check"])
    for name in ["--url", "--key-file", "--directory", "--endpoint", "--bucket", "--journal"]:
        parser.add_argument(name)
    options = parser.parse_args()
    if options.what == "wait":
        with open(options.key_file) as file:
            wait(options.url, file.read().split()[-1])
    elif options.bucket:
        check(bucket_objects(options.endpoint, options.bucket), options.journal)
    else:
        check(folder_objects(options.directory), options.journal)


if __name__ == "__main__":
    main()
