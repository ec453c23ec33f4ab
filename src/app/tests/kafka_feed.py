#!/usr/bin/env python3
"""kafka_feed.py [--payments N] [--label-delay-days D] [--repeats SHARE] FILE.csv.xz: card payments as a sender would put
them into a topic, one JSON object a line, in the order of the file. Each fraud's label stands where replay lets it enter:
before the first payment with an event time of at least its own, which is the payment's plus the delay."""
import argparse
import collections
import csv
import json
import lzma
import random
import sys

COLUMNS_WITHOUT_USE = {"is_fraud", "trans_date_trans_time", "first", "last", "street", ""}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--payments", type=int, default=0, help="0: all")
    arguments.add_argument("--label-delay-days", type=int, default=7)
    arguments.add_argument("--repeats", type=float, default=0, help="share of payments that come again, somewhat later")
    arguments.add_argument("--label-payments", action="store_true", help="labels carry their payment, as stages need it")
    arguments.add_argument("file")
    options = arguments.parse_args()
    delay = options.label_delay_days * 86400
    chance = random.Random(7)
    labels = collections.deque()
    again = collections.deque()
    with lzma.open(options.file, "rt", newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            if options.payments and number == options.payments:
                break
            time = int(row["unix_time"])
            while labels and labels[0][0] <= time:
                sys.stdout.write(labels.popleft()[1])
            while again and again[0][0] <= number:
                sys.stdout.write(again.popleft()[1])
            payment = {k: v for k, v in row.items() if k not in COLUMNS_WITHOUT_USE}
            line = json.dumps(payment, separators=(",", ":")) + "\n"
            sys.stdout.write(line)
            if options.repeats and chance.random() < options.repeats:
                again.append((number + chance.randrange(1, 2000), line))
            if row["is_fraud"] == "1":
                label = {"label": {"payment_id": row["trans_num"], "is_fraud": True, "source": "file"}}
                if options.label_payments:
                    label["label"]["payment"] = payment
                labels.append((time + delay, json.dumps(label, separators=(",", ":")) + "\n"))


main()
