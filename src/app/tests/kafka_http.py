#!/usr/bin/env python3
"""kafka_http.py PROGRAM ROOT [SEED]: payments over HTTP, in front of a real broker: three instances, card and merchant stages over four
partitions. Callers send to any instance, and go to another where one does not answer; two instances are killed meanwhile and come back.

  every payment is answered, and with the decision that stands in the decisions topic, byte for byte, once for each payment
  a payment that is sent again, to another instance, gets the same answer; with another body 409; what is no payment 422
  a batch is answered line by line; a label finds its payment, through all stages, over HTTP and from a topic of labels
  at the deadline the default outcome is told, what was told is noted, and a retry gets the decision
  no topic that we write holds a card number

Prints the counts and how long answers took; ends with 1 when something is not so, with 77 where it cannot run."""
import collections
import concurrent.futures
import http.client
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import chaos_archive
import kafka_chaos

PAYMENTS = 6_000
CALLERS = 16
RATE = 250  # payments a second
AGAIN = 0.05  # share that is sent twice
ANSWER_S = 30  # longer than a takeover
TOPICS = ("payments", "paywarden.by-card", "paywarden.by-merchant", "paywarden.decisions", "paywarden.others", "paywarden.alerts",
          "paywarden.replies", "paywarden.rejects")


class Caller:
    """A client that keeps a connection to each instance, and a key."""

    def __init__(self, instances):
        self.instances, self.connections = instances, {}

    def ask(self, instance, path, body):
        connection = self.connections.pop(instance.number, None) or http.client.HTTPConnection(
            "127.0.0.1", instance.port(), timeout=ANSWER_S + 5)
        connection.request("POST", path, body, {"Authorization": "Bearer " + instance.key})
        answer = connection.getresponse()
        text = answer.read()
        self.connections[instance.number] = connection
        return answer.status, text

    def until_decided(self, body, chance, path="/v1/payments"):
        """As a shop would: another instance where one is away, or has no answer in time."""
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                status, text = self.ask(chance.choice(self.instances), path, body)
                if status not in (503, 504):
                    return status, text
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.1)
        return 0, b"no answer for two minutes"


class HttpInstance(kafka_chaos.Instance):
    def __init__(self, run, number):
        super().__init__(run, number, stages=kafka_chaos.stage_tables())
        self.write(ANSWER_S)
        done = subprocess.run([run.program, "key", "create", "--config", self.config, "--name", "shop", "--role", "intake"],
                              capture_output=True, text=True, check=True)
        self.key = done.stdout.split()[-1]

    def write(self, deadline_s):
        text = self.config.read_text().split("# over http")[0]
        text = text.replace("[kafka]\n", '[kafka]\nhttp_payments = true\nlabels_topic = "labels"\n') if "http_payments" not in text else text
        self.config.write_text(text + f'# over http\n[api]\ndeadline = "{int(deadline_s * 1000)}ms"\ndefault_outcome = "review"\n')

    def start(self):
        self.ready = self.folder / "ready"
        self.ready.unlink(missing_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.run.program, "serve", "--config", self.config, "--port", "0", "--ready-file",
                                             self.ready], stdout=log, stderr=log, start_new_session=True,
                                            env={**os.environ, **self.run.archive.environment})

    def port(self):
        try:
            return int(self.ready.read_text().split()[0].rsplit(":", 1)[1])
        except (OSError, IndexError) as error:
            raise ConnectionError("it is not there") from error

    def wait(self):
        end = time.monotonic() + 60
        while time.monotonic() < end and self.running():
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port(), timeout=5)
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        self.run.wrong(f"instance {self.number} is not ready: {self.log.read_text()[-1500:]}")


class Run(kafka_chaos.Run):
    def __init__(self, program, root, seed):
        plan = {"payments": PAYMENTS, "rate": RATE}
        super().__init__(program, root, plan, seed, staged=True)
        self.answers, self.took, self.statuses = {}, [], collections.Counter()
        self.lock, self.local = threading.Lock(), threading.local()

    def lines(self):
        """(id, payment line), and the label lines."""
        payments, labels = [], []
        for line in self.feed:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if record.get("trans_num"):
                payments.append((record["trans_num"], line))
            elif record.get("label", 0) and isinstance(record["label"], dict) and record["label"].get("payment"):
                labels.append(json.dumps(record["label"]))
        return list(dict(payments).items()), labels

    def caller(self):
        """One a thread."""
        if not hasattr(self.local, "caller"):
            self.local.caller = Caller(self.instances)
        return self.local.caller

    def say(self, id, line):
        chance, caller = random.Random(id), self.caller()
        begun = time.monotonic()
        status, text = caller.until_decided(line, chance)
        took = time.monotonic() - begun
        again = caller.until_decided(line, chance) if chance.random() < AGAIN else (status, text)
        with self.lock:
            self.statuses[status] += 1
            self.took.append(took)
            self.answers[id] = text
            if status != 200:
                self.wrong(f"payment {id}: {status} {text[:300]}")
            if again != (status, text):
                self.wrong(f"payment {id} sent again: {again}, before {(status, text)}")

    def send_all(self, payments):
        kills = {len(payments) // 3: self.instances[0], 2 * len(payments) // 3: self.instances[1]}
        begun = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(CALLERS) as pool:
            for number, (id, line) in enumerate(payments):
                while time.monotonic() < begun + number / RATE:
                    time.sleep(0.002)
                if number in kills:
                    kills[number].kill()
                    threading.Timer(3, kills[number].start).start()
                pool.submit(self.say, id, line)
        print(f"{len(payments)} payments answered after {time.monotonic() - begun:.0f} s, with two kills", flush=True)

    def check_answers(self, payments, labels):
        caller, chance = Caller(self.instances), random.Random(1)
        id, line = payments[0]
        other = json.dumps({**json.loads(line), "amt": "1.23"})
        for what, body, expected in (("another body", other, 409), ("rubbish", "{", 400), ("a bad amount", line.replace('"amt":"', '"amt":"x'), 422)):
            status, text = caller.until_decided(body, chance)
            if status != expected:
                self.wrong(f"{what}: {status} {text[:300]}, expected {expected}")
        batch = "\n".join(line for _, line in payments[:50]) + "\n{\n"
        status, text = caller.until_decided(batch, chance, "/v1/payments:batch")
        lines = text.splitlines()
        if status != 200 or len(lines) != 51 or json.loads(lines[50])["status"] != 400:
            self.wrong(f"a batch: {status} {text[-500:]}")
        for (id, _), said in zip(payments[:50], lines):
            if json.loads(said).get("decision") != json.loads(self.answers[id]):
                self.wrong(f"a batch: {said[:300]}, before {self.answers[id][:300]}")
        for label in labels[:10]:
            status, text = caller.until_decided(label, chance, "/v1/labels")
            if status != 200 or json.loads(text)["state"] != "applied":
                self.wrong(f"a label: {status} {text[:300]}")
        self.check_labels_topic(labels[10:15])
        status, text = caller.until_decided('{"payment_id":"p1","is_fraud":true}', chance, "/v1/labels")
        if status != 422 or b"routed by its payment" not in text:
            self.wrong(f"a label without its payment: {status} {text[:300]}")

    def check_labels_topic(self, labels):
        subprocess.run(["kcat", "-b", self.bootstrap, "-P", "-t", "labels"], input="\n".join(labels), text=True, check=True)
        ids, end = {json.loads(label)["payment_id"] for label in labels}, time.monotonic() + 30
        said = None
        while time.monotonic() < end and said != {(what, id) for id in ids for what in ("label_forwarded", "label")}:
            others = [json.loads(value) for _, _, _, value in self.read("paywarden.others")]
            said = {(o["what"], o["payment_id"]) for o in others if o["payment_id"] in ids and o["what"].startswith("label")}
            time.sleep(0.2)
        if said != {(what, id) for id in ids for what in ("label_forwarded", "label")}:
            self.wrong(f"labels of a topic of their own: {said}")

    def check_deadline(self, payments):
        one = self.instances[2]
        one.leave()
        one.write(0.001)
        one.start()
        one.wait()
        id, line = payments[-1]
        status, text = Caller([one]).ask(one, "/v1/payments", line)
        if status != 504 or json.loads(text) != {"decided": False, "outcome": "review"}:
            self.wrong(f"at the deadline: {status} {text[:300]}")
        status, text = Caller(self.instances[:2]).until_decided(line, random.Random(2))
        self.answers[id] = text
        if status != 200 or json.loads(text)["payment_id"] != id:
            self.wrong(f"after the deadline: {status} {text[:300]}")
        for _ in range(50):
            noted = [v for _, _, _, v in self.read("paywarden.others") if b'"answered"' in v]
            if noted:
                break
            time.sleep(0.1)
        if [json.loads(v) for v in noted] != [{"what": "answered", "payment_id": id, "outcome": "review", "instance": "3"}]:
            self.wrong(f"what was said at the deadline is not noted: {noted}")

    def check_topics(self, payments):
        decided = collections.defaultdict(list)
        for _, _, _, value in self.read("paywarden.decisions"):
            decided[json.loads(value)["payment_id"]].append(value)
        lost = sum(id not in decided for id, _ in payments)
        twice = sum(len(values) > 1 for values in decided.values())
        other = sum(decided[id][:1] != [text] for id, text in self.answers.items())
        numbers = {json.loads(line)["cc_num"].encode() for _, line in payments}
        raw = b"".join(subprocess.run(["kcat", "-b", self.bootstrap, "-C", "-q", "-e", "-o", "beginning", "-t", topic, "-f", "%k %h %s\n"],
                                      capture_output=True, check=True).stdout for topic in TOPICS)
        held = sum(number in raw for number in numbers)
        print(f"{len(payments)} payments; lost: {lost}, decided twice: {twice}, answered otherwise: {other}, card numbers in topics: "
              f"{held} of {len(numbers)} looked for in {len(raw)} bytes")
        if lost or twice or other or held or len(raw) < 1_000_000:
            self.wrong("a promise is broken")

    def check_keys(self, body):
        """Keys that the command line makes and ends count on the running instance within seconds."""
        instance = self.instances[0]

        def key(*words):
            done = subprocess.run([self.program, "key", words[0], "--config", instance.config, *words[1:]], capture_output=True, text=True, check=True)
            return done.stdout

        def answers(status):
            end = time.monotonic() + 20
            while time.monotonic() < end:
                if (Caller([instance]).ask(instance, "/v1/payments", body)[0] == 401) == (status == 401):
                    return True
                time.sleep(0.2)
            return False

        first, instance.key = instance.key, key("create", "--name", "another", "--role", "intake").split()[-1]
        if not answers(200):
            self.wrong("a key that was made is refused for 20 s")
        key("revoke", "--id", instance.key.split("_")[1])
        if not answers(401):
            self.wrong("a key that was revoked is taken for 20 s")
        instance.key = first

    def main(self):
        with tempfile.TemporaryDirectory() as folder:
            self.work = pathlib.Path(folder)
            self.archive = chaos_archive.of(self.work, self.root, self.seed, 0)
            self.instances = []
            try:
                self.prepare()
                payments, labels = self.lines()
                self.instances = [HttpInstance(self, number) for number in range(1, kafka_chaos.INSTANCES + 1)]
                for instance in self.instances:
                    instance.start()
                for instance in self.instances:
                    instance.wait()
                self.send_all(payments[:-1])
                for instance in self.instances:
                    instance.wait()
                self.check_answers(payments, labels)
                self.check_keys(payments[0][1])
                self.check_deadline(payments)
                for instance in self.instances:
                    instance.leave()
                self.check_topics(payments)
                took = sorted(self.took)
                print(f"answers: p50 {took[len(took) // 2] * 1000:.0f} ms, p90 {took[len(took) * 9 // 10] * 1000:.0f} ms, most "
                      f"{took[-1]:.1f} s (session timeout {kafka_chaos.SESSION_S} s)")
            finally:
                for instance in self.instances:
                    if instance.running():
                        instance.kill()
                if self.problems and os.environ.get("PAYWARDEN_KEEP"):
                    shutil.copytree(self.work, os.environ["PAYWARDEN_KEEP"], dirs_exist_ok=True)
                self.kafka("stop")
                self.archive.stop()
        return 1 if self.problems else 0


def main():
    program, root = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    if not (root / "../shared/data/card-payments-test.csv.xz").exists() or not shutil.which("kcat"):
        print("skipped: ../shared/data or kcat is not here")
        return 77
    return Run(program, root, int(sys.argv[3]) if len(sys.argv) > 3 else 1).main()


if __name__ == "__main__":
    sys.exit(main())
