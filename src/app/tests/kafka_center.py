#!/usr/bin/env python3
"""kafka_center.py PROGRAM ROOT [SEED]: the notification center over a real broker. Two instances share card and merchant stages over two
partitions; the first has the center, the second takes payments over HTTP. Payments come over HTTP and by topic; the center's instance
is killed (SIGKILL) meanwhile and started again, one time right behind a verdict.

  every decision of the topic stands in the center's journal once, and its API shows the topic's bytes
  every suspicious payment is in one alert, every alert is told once for each severity
  a verdict becomes a label of each of the alert's payments, in every stage
  a role that is too small gets 403, none 401; without http_payments there is no route for payments
  once all is quiet nothing lags, though a transaction's end stands behind each last record
  a decision that the guard has changed is told as such; one without its payment is passed over
  a disk that is nearly full costs no decision, only time
  no card number rests in the instance's folder

Prints the counts; ends with 1 when something is not so, with 77 where it cannot run."""
import base64
import collections
import concurrent.futures
import datetime
import http.client
import http.server
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import crash_checker

STAGES = ("card", "merchant")
PARTITIONS = 2
CARDS = 25  # two messages each are fewer than a channel may send in 10 minutes
PAYMENTS = 1_500
RATE = 150  # a second
KILLS = 2
WAIT_S = 60
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="  # a test's

CONFIG = """
[schema]
name = "center"
currency = "EUR"
field = [
  {{source = "payment_id"}}, {{source = "event_time"}}, {{source = "card"}}, {{source = "merchant"}}, {{source = "amount"}},
]
[[feature]]
name = "card_count_1h"
operation = "count"
by = "card"
over = "1h"
[[feature]]
name = "merchant_frauds_30d"
operation = "fraud_count"
by = "merchant"
over = "30d"
[decision]
rules = "{work}/center.rules"
[data]
directory = "{folder}/data"
disk_free_min = "64MiB"
[intake]
card_key_file = "{work}/card.key"
[api]
deadline = "30s"
[log]
kind = "kafka"
[kafka]
properties_file = "{work}/client.properties"
instance = "{number}"
partitions = {partitions}
transaction_timeout = "5s"
{role}
[[kafka.stage]]
name = "card"
keyed_by = "card"
[[kafka.stage]]
name = "merchant"
keyed_by = "merchant"
[[notify.webhook]]
url = "http://127.0.0.1:{sink}/"
secret_file = "{work}/secret"
"""
RULES = """rule large: decline if amount > 5000
rule medium: review if amount > 1000
"""


class Sink(http.server.BaseHTTPRequestHandler):
    """Where the webhook ends: (message id, what it says)."""
    told = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        Sink.told.append((self.headers["webhook-id"], json.loads(body)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Instance:
    def __init__(self, run, number, role):
        self.run, self.folder = run, run.work / f"instance-{number}"
        self.folder.mkdir()
        self.config, self.ready = self.folder / "config.toml", self.folder / "ready"
        self.config.write_text(CONFIG.format(work=run.work, folder=self.folder, number=number, role=role, partitions=PARTITIONS,
                                             sink=run.sink.server_address[1]))
        self.process, self.password = None, ""
        self.keys = {}

    def make_key(self, role):
        done = subprocess.run([self.run.program, "key", "create", "--config", self.config, "--name", role, "--role", role],
                              capture_output=True, text=True, check=True)
        self.keys[role] = {"Authorization": "Bearer " + done.stdout.split()[-1]}

    def start(self):
        self.ready.unlink(missing_ok=True)
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([self.run.program, "serve", "--config", self.config, "--port", "0", "--ready-file", self.ready],
                                            stdout=log, stderr=log)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        if self.process.wait(60) != 0:
            self.run.wrong(f"{self.folder.name} ended with {self.process.returncode}")

    def ask(self, method, path, body=None, headers=None):
        """(status, bytes, headers); an OSError where nobody answers."""
        try:
            lines = self.ready.read_text().split("\n")
            self.password = lines[1] or self.password
            connection = http.client.HTTPConnection("127.0.0.1", int(lines[0].rsplit(":", 1)[1]), timeout=40)
        except (IndexError, ValueError, FileNotFoundError) as error:
            raise ConnectionError("it is not there") from error
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers

    def is_ready(self):
        if self.process.poll() is not None:
            sys.exit(f"{self.folder.name} ended: {(self.folder / 'log').read_text()[-2000:]}")
        try:
            return self.ask("GET", "/readyz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def metric(self, line):
        """The value behind `line` in /metrics; nothing where it is not there."""
        found = re.search(rf"(?m)^{re.escape(line)} (\S+)$", self.ask("GET", "/metrics", headers=self.keys["observer"])[1].decode())
        return float(found[1]) if found else None


class Run:
    def __init__(self, program, root, work, seed):
        self.program, self.root, self.work, self.chance = program, root, work, random.Random(seed)
        self.problems, self.sent, self.answered = [], {}, {}
        self.cookie = {}
        self.sink = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
        threading.Thread(target=self.sink.serve_forever, daemon=True).start()

    def wrong(self, what):
        print("WRONG", what, flush=True)
        self.problems.append(what)

    def until(self, what, condition, seconds=WAIT_S):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if condition():
                    return
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.1)
        log = (self.work / "instance-1/log").read_text()[-3000:]
        self.wrong(f"not after {seconds} s: {what}; {log}")
        raise TimeoutError(what)

    def kafka(self, command, *arguments):
        return subprocess.run([self.root / "scripts/kafka.sh", command, self.work / "kafka", *arguments]).returncode

    def visible(self, topic):
        done = subprocess.run(["kcat", "-b", self.bootstrap, "-C", "-q", "-e", "-o", "beginning", "-X", "isolation.level=read_committed",
                               "-t", topic], capture_output=True, check=True)
        return done.stdout.splitlines()

    def prepare(self):
        status = self.kafka("start", "--owner", str(os.getpid()))
        if status != 0:
            sys.exit(status)
        self.bootstrap = (self.work / "kafka/bootstrap").read_text().strip()
        if self.kafka("topics", f"payments:{PARTITIONS}") != 0:
            sys.exit("the topics cannot be made")
        for name, text in {"client.properties": f"bootstrap.servers={self.bootstrap}\nsession.timeout.ms=2000\nheartbeat.interval.ms=500\n",
                           "card.key": "0123456789abcdef0123456789abcdef\n", "center.rules": RULES, "secret": SECRET}.items():
            (self.work / name).write_text(text)
        self.center = Instance(self, 1, "center = true")
        self.other = Instance(self, 2, "http_payments = true")
        for role in ("observer", "reader"):
            self.center.make_key(role)
        self.other.make_key("intake")
        self.center.start()
        self.until("the first instance is ready", self.center.is_ready)
        self.other.start()
        self.until("the second instance is ready", self.other.is_ready)

    def payment(self, number, card=None, amount=None):
        card = self.chance.randrange(CARDS) if card is None else card
        amount = amount or (self.chance.choice(["9000", "2000"]) if self.chance.random() < 0.03 else str(self.chance.randrange(1, 900)))
        id = f"p-{number}"
        self.sent[id] = json.dumps({"payment_id": id, "card": self.card(card), "merchant": f"shop {len(self.sent) % 7}", "amount": amount,
                                    "event_time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")})
        return id

    @staticmethod
    def card(number):
        digits = f"411111{number:09d}"
        total = sum(sum(divmod(int(d) * (2 if at % 2 == 0 else 1), 10)) for at, d in enumerate(reversed(digits)))
        return digits + str(-total % 10)

    def send_http(self, id):
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            try:
                status, text, _ = self.other.ask("POST", "/v1/payments", self.sent[id], self.other.keys["intake"])
                if status == 200:
                    self.answered[id] = text
                    return
                if status not in (503, 504):
                    return self.wrong(f"{id}: {status} {text[:300]}")
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.1)
        self.wrong(f"{id}: no answer")

    def send_by_topic(self, ids):
        lines = "".join(f"{id}\t{self.sent[id]}\n" for id in ids)
        subprocess.run(["kcat", "-P", "-b", self.bootstrap, "-t", "payments", "-K", "\t", "-X", "linger.ms=5"], input=lines.encode(), check=True)

    def sign_in(self):
        status, text, headers = self.center.ask("POST", "/api/session", json.dumps({"user": "admin", "password": self.center.password}),
                                                {"X-Paywarden-Request": "1"})
        if status != 204:
            self.wrong(f"signing in: {status} {text[:300]}")
        self.cookie = {"Cookie": headers["set-cookie"].split(";")[0], "X-Paywarden-Request": "1"}

    def alerts(self):
        """Every alert, by id."""
        found, before = {}, ""
        while True:
            page = json.loads(self.center.ask("GET", f"/api/alerts?limit=200{before}", headers=self.cookie)[1])
            found.update({a["id"]: a for a in page["alerts"]})
            if not page["next"]:
                return found
            before = f"&before={page['next']}"

    def alert(self, id):
        return json.loads(self.center.ask("GET", f"/api/alerts/{id}", headers=self.cookie)[1])

    def give_verdict(self, id, verdict):
        return self.center.ask("POST", f"/api/alerts/{id}/verdict", json.dumps({"verdict": verdict, "note": "a test's"}), self.cookie)

    def labels(self):
        found = collections.Counter()
        for line in self.visible("paywarden.others"):
            other = json.loads(line)
            if other["what"] in ("label", "label_waiting"):
                found[other["payment_id"], other["what"]] += 1
        return found

    def check_first(self):
        """One payment's way from HTTP to its label, and who may see what."""
        ids = [self.payment("first", card=500, amount="9000"), self.payment("second", card=501, amount="2000")]
        self.send_http(ids[0])
        self.send_by_topic(ids[1:])
        self.until("both are alerts", lambda: len(self.alerts()) == 2)
        self.until("both are told", lambda: len(Sink.told) == 2)
        alert = next(a for a in self.alerts().values() if a["outcome"] == "decline")
        status, text, _ = self.give_verdict(alert["id"], "confirmed")
        if status != 200 or json.loads(text)["labels_pending"]:
            self.wrong(f"a verdict: {status} {text[:500]}")
        self.until("its label stands in every stage", lambda: self.labels()[ids[0], "label"] == len(STAGES))
        for expected, method, path, headers in (
                (401, "GET", "/api/alerts", {}), (403, "GET", "/api/alerts", self.center.keys["reader"]),
                (403, "GET", "/v1/decisions/p-first", self.center.keys["observer"]), (401, "GET", "/v1/decisions/p-first", {}),
                (200, "GET", "/v1/decisions/p-first", self.center.keys["reader"]), (404, "GET", "/v1/decisions/none", self.center.keys["reader"]),
                (404, "POST", "/v1/payments", self.cookie), (404, "POST", "/v1/changes", self.cookie), (200, "GET", "/openapi.json", {}),
                (200, "GET", "/docs", {}), (200, "GET", "/api/stats", self.cookie)):
            status, text, _ = self.center.ask(method, path, headers=headers)
            if status != expected:
                self.wrong(f"{method} {path}: {status} {text[:200]}, expected {expected}")
        if "/v1/payments" in json.loads(self.center.ask("GET", "/openapi.json")[1])["paths"]:
            self.wrong("the description has routes that there are not")

    def check_guard(self):
        """As an instance would write it whose guard has engaged; and what nobody should have written."""
        done = subprocess.run(["kcat", "-b", self.bootstrap, "-C", "-q", "-e", "-o", "beginning", "-t", "paywarden.decisions", "-f",
                               "%h\x1f%s\n"], capture_output=True, check=True)
        header, decision = next(line.split("\x1f") for line in done.stdout.decode().splitlines() if '"p-first"' in line)
        payment = base64.b64encode(base64.b64decode(header.split("payment=")[1]).replace(b"p-first", b"p-guard")).decode()
        decision = decision.replace("p-first", "p-guard").removesuffix("}") + ',"guarded":true}'
        for headers in ([], ["-H", "payment=" + payment]):
            subprocess.run(["kcat", "-P", "-b", self.bootstrap, "-t", "paywarden.decisions", "-p", "0", *headers],
                           input=decision.encode(), check=True)
        self.sent["p-guard"] = self.sent["p-first"]
        self.until("the guard is an alert", lambda: any(a["kind"] == "guard" for a in self.alerts().values()))
        if not json.loads(self.center.ask("GET", "/api/status", headers=self.cookie)[1])["guard"]:
            self.wrong("the status does not show the guard")
        if self.center.metric("paywarden_copy_passed_over_total") != 1:
            self.wrong("the decision without its payment is not counted")

    def check_figures(self):
        """Of the last start: what waited while it was away says nothing of today's latency."""
        def read():
            return json.loads(self.center.ask("GET", "/api/stats", headers=self.cookie)[1])
        self.until("the page shows that all is copied", lambda: read()["now"]["queued"] == 0)
        stats = read()
        status = json.loads(self.center.ask("GET", "/api/status", headers=self.cookie)[1])
        if status["model"] != "none" or status["mode"] != "decide":
            self.wrong(f"status: {status}")
        if sum(stats["scores"]["counts"]) != stats["decided"] or stats["decided"] < 100:
            self.wrong(f"stats: {stats['decided']} {stats['scores']} {stats['now']}")
        p99 = max(now["latency_us"]["p99"] for now in stats["history"])
        if not 1_000 < p99 < WAIT_S * 1_000_000:
            self.wrong(f"latency p99: {p99}")

    def check_full_disk(self):
        text = self.center.config.read_text()
        self.center.stop()
        self.center.config.write_text(text.replace('disk_free_min = "64MiB"', 'disk_free_min = "1024TiB"'))
        self.center.start()
        self.until("the disk is an alert", lambda: any("disk" in a["title"] for a in self.alerts().values()))
        id = self.payment("last", card=502, amount="7000")
        self.send_http(id)
        time.sleep(1)  # would be enough
        if self.center.is_ready() or self.center.ask("GET", f"/v1/decisions/{id}", headers=self.center.keys["reader"])[0] != 404:
            self.wrong("it is ready, or copies, with a full disk")
        self.center.stop()
        self.center.config.write_text(text)
        self.center.start()
        self.until("it is ready", self.center.is_ready)

    def kill_and_verdict(self):
        """Kills the center's instance, the first time right behind a verdict, of which nobody has heard."""
        open_alerts = [a for a in self.alerts().values() if a["state"] == "open"]
        if open_alerts and not self.confirmed:
            self.confirmed.append(open_alerts[-1]["id"])
            thread = threading.Thread(target=self.quietly, args=(self.give_verdict, open_alerts[-1]["id"], "confirmed"))
            thread.start()
            self.until("the verdict is kept", lambda: self.alert(open_alerts[-1]["id"])["state"] == "confirmed")
        self.center.kill()
        time.sleep(1)
        self.center.start()

    @staticmethod
    def quietly(function, *arguments):
        try:
            function(*arguments)
        except (OSError, http.client.HTTPException):
            pass

    def send_all(self):
        self.confirmed = []
        kills = {PAYMENTS * (k + 1) // (KILLS + 1) for k in range(KILLS)}
        begun, by_topic, killer = time.monotonic(), [], None
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            for number in range(PAYMENTS):
                while time.monotonic() < begun + number / RATE:
                    time.sleep(0.002)
                id = self.payment(number)
                if number % 2:
                    pool.submit(self.send_http, id)
                else:
                    by_topic.append(id)
                if len(by_topic) == 20:
                    pool.submit(self.send_by_topic, by_topic)
                    by_topic = []
                if number in kills:
                    killer = threading.Thread(target=self.kill_and_verdict)
                    killer.start()
            if by_topic:
                self.send_by_topic(by_topic)
        killer.join()
        self.until("the killed instance is ready", self.center.is_ready)
        print(f"{PAYMENTS} payments after {time.monotonic() - begun:.0f} s, with {KILLS} kills", flush=True)

    def check_all(self):
        self.until("all is decided", lambda: len(self.visible("paywarden.decisions")) > len(self.sent))
        for consumer in ("copy", "notify"):
            self.until(f"nothing lags: {consumer}", lambda c=consumer: self.center.metric(f'paywarden_consumer_lag_records{{consumer="{c}"}}') == 0)
        topic = {json.loads(line)["payment_id"]: line for line in self.visible("paywarden.decisions")}
        lines = len(self.visible("paywarden.decisions")) - 1  # one is of no payment
        if lines != len(topic):
            self.wrong(f"{lines} decisions of {len(topic)} payments")
        suspicious = {id for id, line in topic.items() if json.loads(line)["outcome"] != "approve"}
        self.check_api(topic)
        self.check_alerts(suspicious)
        self.center.stop()
        self.other.stop()
        copied = collections.Counter()
        segments = sorted((self.center.folder / "data/journal").glob("*.pwj"))
        firsts = [int(file.stem.split("-")[1]) for file in segments]
        for file, first, end in zip(segments, firsts, firsts[1:] + [1 << 63]):
            copied.update(crash_checker.decided_in(file, first, end))
        lost, twice = topic.keys() - copied.keys(), [id for id, times in copied.items() if times > 1]
        print(f"{len(topic)} decisions, {len(suspicious)} of them suspicious; in the journal lost: {len(lost)}, twice: {len(twice)}, of nobody: "
              f"{len(copied.keys() - topic.keys())}; {len(Sink.told)} messages")
        if lost or twice or copied.keys() != topic.keys() or topic.keys() != self.sent.keys() or len(suspicious) < 10:
            self.wrong("the journal is not the topic")
        cards = {json.loads(payment)["card"].encode() for payment in self.sent.values()}
        raw = b"".join(file.read_bytes() for file in self.center.folder.rglob("*") if file.is_file())
        if any(card in raw for card in cards) or len(raw) < 100_000:
            self.wrong("a card number rests there")

    def check_api(self, topic):
        for id in self.chance.sample(sorted(topic), 100):
            status, text, _ = self.center.ask("GET", f"/v1/decisions/{id}", headers=self.center.keys["reader"])
            if status != 200 or text != topic[id]:
                self.wrong(f"{id} by id: {status} {text[:300]}")

    def check_alerts(self, suspicious):
        self.until("every alert is there", lambda: sum(a["payments"] for a in self.alerts().values()) == len(suspicious))
        alerts = self.alerts()
        listed = collections.Counter(paid["payment_id"] for id in alerts for paid in self.alert(id)["payments_list"])
        if set(listed) != suspicious or max(listed.values()) > 1:
            self.wrong(f"suspicious payments: {len(suspicious)}, in alerts {len(listed)}, more than once {[i for i, n in listed.items() if n > 1]}")
        self.until("every message is delivered", lambda: not json.loads(self.center.ask(
            "GET", "/api/deliveries?state=waiting", headers=self.cookie)[1])["deliveries"])
        opened = {(id, told["data"]["id"]) for id, told in Sink.told if told["type"] == "alert.opened"}
        if sorted(alert for _, alert in opened) != sorted(alerts):
            self.wrong(f"alerts {sorted(alerts)}, told of {sorted(opened)}")
        for id in self.confirmed:
            ids = [paid["payment_id"] for paid in self.alert(id)["payments_list"]]
            self.until("the labels of a verdict before the kill", lambda p=ids: all(self.labels()[i, "label"] >= len(STAGES) for i in p))
            self.until("they are known as stored", lambda a=id: not self.alert(a)["labels_pending"], 30)
        if not self.confirmed:
            self.wrong("no verdict was given before a kill")

    def main(self):
        try:
            self.prepare()
            self.sign_in()
            self.check_first()
            self.check_guard()
            self.send_all()
            self.check_figures()
            self.check_full_disk()
            self.check_all()
        except TimeoutError:
            pass
        finally:
            for instance in (self.center, self.other):
                if instance.process and instance.process.poll() is None:
                    instance.kill()
            if self.problems and os.environ.get("PAYWARDEN_KEEP"):
                shutil.copytree(self.work, os.environ["PAYWARDEN_KEEP"], dirs_exist_ok=True)
            self.kafka("stop")
        return 1 if self.problems else 0


def main():
    program, root = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    if not shutil.which("kcat"):
        print("skipped: there is no kcat")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        return Run(program, root, pathlib.Path(folder), int(sys.argv[3]) if len(sys.argv) > 3 else 1).main()


if __name__ == "__main__":
    sys.exit(main())
