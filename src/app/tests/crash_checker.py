#!/usr/bin/env python3
"""Sends payments and fraud labels to `paywarden serve` over HTTP while it is killed (SIGKILL) at random moments, and counts.

The payments go in file order, mostly in batches, a part of them single; a fraud's label goes before the first payment
whose event time is at or behind the label's. After a kill the program is started again and everything from the first unacknowledged
line on is sent again. Each decision must be the one that `paywarden replay` gives; none acknowledged may be lost or come back
as other bytes; the journal may hold one decision for a payment, no more.

  crash_checker.py --program P --config C --payments TEST.csv --labels PENDING.ndjson --replay DECISIONS.ndjson --kills 10

It wants a data directory that was backfilled, [data] directory = --data-directory, and ends with 0 if all counts are 0.
"""
import argparse
import csv
import http.client
import json
import os
import random
import re
import signal
import struct
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta, timezone

LABEL_DELAY = 7 * 86400
REMEMBERED = 6 * 86400  # a repeat is known for at least seven days of event time
NOT_SENT = {"trans_date_trans_time", "first", "last", "street", "is_fraud"}
NUMBERS = {"unix_time", "amt", "lat", "long", "city_pop", "merch_lat", "merch_long"}
JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?$")
PAYMENT_ID = re.compile(rb'\{"payment_id":"([^"]+)","outcome":"')
SEGMENT_HEADER, GROUP_HEADER, RECORD_HEADER = 64, struct.Struct("<QQIIII"), struct.Struct("<IIQ")
DECISION = 2
START_SECONDS_MAX = 120


class Payment:
    """A payment to send, and what became of it: `answer` holds the acknowledged bytes."""

    __slots__ = ("id", "time", "body", "answer", "kept")
    path, batch_path = "/v1/payments", "/v1/payments:batch"

    def __init__(self, id, time, body):
        self.id, self.time, self.body, self.answer, self.kept = id, time, body, None, None


class Label:
    """A fraud's label."""

    __slots__ = ("time", "body")
    path, batch_path = "/v1/labels", "/v1/labels:batch"

    def __init__(self, id, time):
        when = (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=time)).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.time = time
        self.body = json.dumps({"payment_id": id, "is_fraud": True, "source": "file", "event_time": when}).encode()


def body_of(row):
    fields = []
    for name, value in row.items():
        if name not in NOT_SENT:
            as_number = name in NUMBERS and JSON_NUMBER.match(value)
            fields.append(f"{json.dumps(name)}:{value if as_number else json.dumps(value)}")
    return ("{" + ",".join(fields) + "}").encode()


def seconds_of(rfc3339):
    return datetime.fromisoformat(rfc3339.replace("Z", "+00:00")).timestamp()


def read_items(payments_file, labels_file):
    """Payments in file order, each label before the first payment at or behind its time."""
    with open(labels_file) as lines:
        waiting = [Label(word["payment_id"], seconds_of(word["event_time"])) for word in map(json.loads, lines)]
    items = []
    with open(payments_file, newline="") as lines:
        for row in csv.DictReader(lines):
            when = int(row["unix_time"])
            while waiting and waiting[0].time <= when:
                items.append(waiting.pop(0))
            items.append(Payment(row["trans_num"], when, body_of(row)))
            if row["is_fraud"] == "1":
                waiting.append(Label(row["trans_num"], when + LABEL_DELAY))
                if len(waiting) > 1 and waiting[-2].time > waiting[-1].time:
                    waiting.sort(key=lambda label: label.time)
    return items


def read_expected(file):
    expected = {}
    with open(file) as lines:
        for line in lines:
            decision = json.loads(line)
            expected[decision["payment_id"]] = (decision["outcome"], decision["score"])
    return expected


def decided_in(file, first, end):
    """The payment of each decision in a journal's segment that holds the records from `first` until `end`.

    What stands behind that is what a crash left: a segment ends where the next begins.
    """
    with open(file, "rb") as segment:
        data = segment.read()
    at = SEGMENT_HEADER
    while first < end and at + GROUP_HEADER.size <= len(data):
        _, sequence, body, records, _, _ = GROUP_HEADER.unpack_from(data, at)
        if sequence != first or records == 0:
            break
        record = at + GROUP_HEADER.size
        at = record + body
        for _ in range(records):
            _, kind_and_length, _ = RECORD_HEADER.unpack_from(data, record)
            record += RECORD_HEADER.size
            if kind_and_length & 255 == DECISION:
                found = PAYMENT_ID.search(data, record, record + (kind_and_length >> 8))
                yield found[1].decode() if found else "no payment"
            record += kind_and_length >> 8
        first += records
    if end < 1 << 63 and first != end:
        sys.exit(f"{file}: its records end at {first}, the next segment begins at {end}")


class Died(Exception):
    """The connection ended; the program was killed, or it should have been."""


class Server:
    """The program under test: started, killed at a moment set before, started again."""

    def __init__(self, options, rng):
        self.options, self.rng = options, rng
        self.process = self.timer = self.connection = None
        self.ready_file = os.path.join(os.path.dirname(options.config), "ready")
        self.log = open(os.path.join(os.path.dirname(options.config), "serve.log"), "ab")
        self.kills = self.kills_at_start = 0
        self.start_seconds = 0.5

    def spawn(self):
        if os.path.exists(self.ready_file):
            os.remove(self.ready_file)
        command = [self.options.program, "serve", "--config", self.options.config, "--port", "0", "--ready-file", self.ready_file]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def start(self):
        self.spawn()
        began = time.monotonic()
        while not os.path.exists(self.ready_file):
            if self.process.poll() is not None:
                sys.exit(f"serve ended with {self.process.returncode} at its start; its log ends with:\n{self.log_end()}")
            if time.monotonic() - began > START_SECONDS_MAX:
                sys.exit(f"serve was not ready after {START_SECONDS_MAX} s")
            time.sleep(0.01)
        self.start_seconds = time.monotonic() - began
        with open(self.ready_file) as file:
            self.address = file.readline().strip().removeprefix("http://")
        self.connect()

    def log_end(self):
        with open(self.log.name, "rb") as file:
            return b"".join(file.readlines()[-5:]).decode(errors="replace")

    def connect(self):
        self.connection = http.client.HTTPConnection(self.address, timeout=60)

    def kill_in(self, seconds):
        self.timer = threading.Timer(seconds, self.process.send_signal, [signal.SIGKILL])
        self.timer.start()

    def start_after_kill(self):
        """Waits until the kill that was set has come, and starts again."""
        self.timer.join()
        self.timer = None
        self.connection.close()
        if self.process.wait(timeout=60) != -signal.SIGKILL:
            sys.exit(f"serve ended with {self.process.returncode} by itself; its log ends with:\n{self.log_end()}")
        self.kills += 1
        while self.kills < self.options.kills and self.rng.random() < 0.15:  # and some while it recovers
            self.spawn()
            time.sleep(self.rng.uniform(0, self.start_seconds))
            self.process.kill()
            if self.process.wait(timeout=60) != -signal.SIGKILL:
                sys.exit(f"serve ended with {self.process.returncode} at its start; its log ends with:\n{self.log_end()}")
            self.kills += 1
            self.kills_at_start += 1
        self.start()

    def stop(self):
        self.process.terminate()
        return self.process.wait(timeout=120)

    def ask(self, method, path, body=None):
        """Status and body of one answer."""
        try:
            self.connection.request(method, path, body, {"Authorization": "Bearer " + self.options.key})
            response = self.connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Died(str(error)) from error

    def ask_lines(self, path, bodies):
        """Yields the answers to a batch as they come; read it to its end."""
        try:
            self.connection.request("POST", path, b"\n".join(bodies) + b"\n",
                                    {"Authorization": "Bearer " + self.options.key, "Content-Type": "application/x-ndjson"})
            response = self.connection.getresponse()
            if response.status != 200:
                sys.exit(f"{path} answered {response.status}: {response.read()[:500]!r}")
            for _ in bodies:
                line = response.readline()
                if not line.endswith(b"\n"):
                    raise Died("the answer was cut")
                yield line
            response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Died(str(error)) from error


class Checker:
    def __init__(self, options):
        self.options = options
        self.rng = random.Random(options.seed)
        self.items = read_items(options.payments, options.labels)
        self.expected = read_expected(options.replay)
        self.server = Server(options, self.rng)
        self.next = 0  # the first item that is not acknowledged
        self.resend_end = 0
        self.counts = {"lost": 0, "decided twice": 0, "differing score": 0, "differing outcome": 0, "answer changed": 0, "refused": 0}
        self.seen = {"singles": 0, "batches": 0, "labels": 0, "kept unacknowledged": 0, "sent again": 0, "resent": 0, "tried again": 0}
        self.shown = 0
        self.links = os.path.join(os.path.dirname(options.config), "journal-links")
        os.makedirs(self.links, exist_ok=True)
        self.journal = os.path.join(options.data_directory, "journal")

    def complain(self, what, about):
        self.counts[what] += 1
        self.shown += 1
        if self.shown <= 20:
            print(f"{what}: {about}", flush=True)

    # --- answers

    def acknowledge(self, payment, answer):
        """Holds a decision against the ones known of this payment."""
        if payment.answer is not None or payment.kept is not None:
            if answer != (payment.answer or payment.kept):
                self.complain("answer changed", f"{payment.answer or payment.kept!r} became {answer!r}")
            payment.answer = answer
            return
        payment.answer = answer
        decision = json.loads(answer)
        outcome, score = self.expected[payment.id]
        if decision["payment_id"] != payment.id:
            sys.exit(f"the answer to {payment.id} is of another payment: {answer!r}")
        if decision["score"] != score:
            self.complain("differing score", f"{payment.id}: {decision['score']}, replay says {score}")
        if decision["outcome"] != outcome:
            self.complain("differing outcome", f"{payment.id}: {decision['outcome']}, replay says {outcome}")

    def take(self, item, status, answer):
        """Returns whether the item is acknowledged; if not it is to be sent again."""
        if status in (503, 504):
            self.seen["tried again"] += 1
            return False
        if status != 200:
            self.complain("refused", f"{item.body[:60]!r}: {status} {answer[:300]!r}")
        elif isinstance(item, Payment):
            self.acknowledge(item, answer)
        return True

    def take_line(self, item, line):
        said = json.loads(line)
        at = line.find(b'"decision":')
        return self.take(item, said["status"], line[at + len(b'"decision":'):].rstrip()[:-1] if at >= 0 else line)

    # --- sending

    def send_single(self):
        item = self.items[self.next]
        if self.take(item, *self.server.ask("POST", item.path, item.body)):
            self.next += 1
        else:
            time.sleep(0.05)

    def send_batch(self, longest):
        kind = type(self.items[self.next])
        end = self.next
        while end < min(len(self.items), self.next + longest) and type(self.items[end]) is kind:
            end += 1
        batch = self.items[self.next:end]
        self.resend_end = end
        acknowledged = 0
        held_up = False
        for line, item in zip(self.server.ask_lines(kind.batch_path, [item.body for item in batch]), batch):
            if self.take_line(item, line):
                if not held_up:
                    self.next += 1
                acknowledged += 1
            else:
                held_up = True
        if acknowledged < len(batch):
            self.server.connect()
            time.sleep(0.05)

    def send_some(self):
        if isinstance(self.items[self.next], Label):
            single = self.rng.random() < 0.5
        else:
            single = self.singles_left > 0 or self.rng.random() < 0.1
        if not single:
            self.seen["batches"] += 1
            return self.send_batch(self.rng.randint(100, 600))
        if isinstance(self.items[self.next], Payment):
            self.singles_left = self.singles_left - 1 if self.singles_left else self.rng.randint(1, 100)
            self.seen["singles"] += 1
        self.resend_end = self.next + 1
        self.send_single()

    def resend_acknowledged(self, count):
        """Payments that are acknowledged already, and labels: the same bytes must come back."""
        first = self.next
        oldest = self.items[min(self.next, len(self.items) - 1)].time - REMEMBERED
        while first > 0 and self.next - first < 50_000 and self.items[first - 1].time > oldest:
            first -= 1
        if first == self.next:
            return
        # The last ones are those that a crash would take.
        chosen = {self.rng.randrange(first, self.next) for _ in range(count)} | set(range(max(first, self.next - 10), self.next))
        chosen = [self.items[i] for i in sorted(chosen)]
        for item in chosen:
            if isinstance(item, Label) or self.rng.random() < 0.3:
                self.take(item, *self.server.ask("POST", item.path, item.body))
        again = [item for item in chosen if isinstance(item, Payment)]
        for line, item in zip(self.server.ask_lines(Payment.batch_path, [item.body for item in again]), again):
            self.take_line(item, line)
        self.seen["resent"] += len(chosen)

    # --- after a kill

    def show(self, payment):
        status, answer = self.server.ask("GET", "/v1/decisions/" + payment.id)
        return answer if status == 200 else None

    def look_acknowledged(self, payment):
        found = self.show(payment)
        if found is None:
            self.complain("lost", payment.id)
        elif found != payment.answer:
            self.complain("answer changed", f"{payment.answer!r} became {found!r}")

    def look_after_kill(self):
        """The last acknowledged must be there; of the unacknowledged those that are there must stay as they are."""
        for item in self.items[max(0, self.next - 20):self.next]:
            if isinstance(item, Payment) and item.answer is not None:
                self.look_acknowledged(item)
        for item in self.items[self.next:self.resend_end]:
            self.seen["sent again"] += 1
            if not isinstance(item, Payment):
                continue
            found = self.show(item)
            if found is not None:
                self.seen["kept unacknowledged"] += 1
                if item.kept is None:
                    self.acknowledge(item, found)
                    item.kept, item.answer = found, None
            elif item.kept is not None:
                self.complain("lost", f"{item.id} was shown and is gone")

    def link_segments(self):
        """Retention may remove segments: the links keep what they held for the count at the end."""
        for name in os.listdir(self.journal):
            if not name.endswith(".pwj"):
                continue
            kept, link = os.path.join(self.journal, name), os.path.join(self.links, name)
            if os.path.exists(link) and os.path.samefile(kept, link):
                continue
            if os.path.exists(link):  # recovery writes a segment of one group anew, under the same name
                os.remove(link)
            os.link(kept, link)

    # --- the run

    def run(self):
        server = self.server
        points = sorted(self.rng.randrange(len(self.items)) for _ in range(self.options.kills))
        self.singles_left = 0
        began = time.monotonic()
        server.start()
        self.link_segments()
        while self.next < len(self.items) or server.timer:
            try:
                if server.timer is None and server.kills < self.options.kills and self.next >= points[server.kills]:
                    server.kill_in(self.rng.uniform(0, 0.08))
                if self.next == len(self.items):
                    raise Died("only the kill is left")
                self.send_some()
                if self.rng.random() < 0.01:
                    self.resend_acknowledged(30)
            except Died as died:
                if server.timer is None:
                    sys.exit(f"the connection ended ({died}) and nobody killed the program; its log ends with:\n{server.log_end()}")
                server.start_after_kill()
                self.link_segments()
                self.look_after_kill()
                self.resend_acknowledged(100)
                if server.kills % 10 == 0:
                    print(f"{server.kills} kills, {self.next} of {len(self.items)} sent", flush=True)
        seconds = time.monotonic() - began
        self.look_at_end()
        self.report(seconds)
        return 0 if not any(self.counts.values()) else 1

    def look_at_end(self):
        payments = [item for item in self.items if isinstance(item, Payment)]
        recent = [payment for payment in payments if payment.time > payments[-1].time - 30 * 86400]
        for payment in self.rng.sample(recent, min(2000, len(recent))):
            self.look_acknowledged(payment)
        if self.server.stop() != 0:
            sys.exit(f"serve ended with {self.server.process.returncode}; its log ends with:\n{self.server.log_end()}")
        self.link_segments()
        verified = subprocess.run([self.options.program, "journal", "verify", self.journal], capture_output=True, text=True)
        print(verified.stdout.strip(), verified.stderr.strip(), flush=True)
        if verified.returncode != 0:
            sys.exit("the journal is damaged")
        held = {}
        names = sorted(os.listdir(self.links))
        firsts = [int(name.removeprefix("journal-").removesuffix(".pwj")) for name in names]
        for name, first, end in zip(names, firsts, firsts[1:] + [1 << 63]):
            for id in decided_in(os.path.join(self.links, name), first, end):
                held[id] = held.get(id, 0) + 1
        for payment in payments:
            times = held.pop(payment.id, 0)
            if times == 0:
                self.complain("lost", f"{payment.id} is not in the journal")
            elif times > 1:
                self.complain("decided twice", f"{payment.id}: {times} times")
        for id in held:
            self.complain("decided twice", f"{id} was not sent and has a decision")

    def report(self, seconds):
        payments = sum(isinstance(item, Payment) for item in self.items)
        self.seen["labels"] = len(self.items) - payments
        print(f"{payments} payments in {seconds:.1f} s: {payments / seconds:.0f} payments/s, "
              f"{self.server.kills} kills ({self.server.kills_at_start} while it started)")
        print(", ".join(f"{name} {count}" for name, count in self.seen.items()))
        print(", ".join(f"{name}: {count}" for name, count in self.counts.items()), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("program", "config", "data-directory", "payments", "labels", "replay", "key-file"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=None, help="of the moments of the kills; a random one is taken and printed")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {options.seed}", flush=True)
    with open(options.key_file) as file:
        options.key = file.read().strip()
    checker = Checker(options)
    try:
        return checker.run()
    finally:
        if checker.server.timer:
            checker.server.timer.cancel()
        if checker.server.process and checker.server.process.poll() is None:
            checker.server.process.kill()
            checker.server.process.wait()


if __name__ == "__main__":
    sys.exit(main())
