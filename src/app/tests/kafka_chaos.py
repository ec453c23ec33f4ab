#!/usr/bin/env python3
"""kafka_chaos.py PROGRAM ROOT [PLAN] [SEED] [one|stages]: instances of one group on a real broker, while they are killed, stopped in the
middle of things, sent away and brought back, and while the broker restarts. Then what is visible is checked:

  K1  every input record below the committed offset has exactly one outcome, and none above has one
  K2  outcome and offset moved together (that is K1 after every kind of end)
  K3  a payment that came twice was decided once
  K4  an instance that slept past its session and woke published nothing that another one had
  K5  the state's hashes at the same offset are equal on all instances, replayed or live
  E8  the archive holds every decision once, as it is in the topic
  and every decision equals, byte for byte, that of one instance that read all of it alone, undisturbed

With `stages` the payments topic is keyed by nothing, and intake, card and merchant stages stand behind each other, each checked so.

The plans `network` and `network-soak` put a proxy (kafka_proxy.py) between instances and broker, which cuts connections and delays or
drops what ends a transaction; `three` and `three-soak` have three brokers, of which one is killed and comes back. Where a plan has `s3`,
archive and shared snapshots are on an S3 server whose requests fail by that share while all that happens (s3_faults.py); without
PAYWARDEN_TEST_VENV, which has such a server, they are in a folder. In `standby` instances are away for so long that others take over, with
states that they have followed.

Prints the counts; ends with 1 when one is not 0, with 77 where it cannot run."""
import collections
import datetime
import gzip
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import chaos_archive
import kafka_proxy

PARTITIONS = 4
INSTANCES = 3
THINGS = ("kill", "away", "pause", "leave", "broker", "forget", "cut", "endtxn", "late", "place", "lose")
# Payments, how often each thing happens, the share of S3's requests that fail, and how many seconds of that are left for the archive at the
# end: where nobody is killed any more, a request that hangs gets as far as the client's timeout of 30 s.
PLANS = {
    "short": {"payments": 40_000, "rate": 1_500, "kill": 6, "pause": 1, "leave": 5, "broker": 1, "forget": 1, "s3": 0.3, "s3_after": 5,
              "standby": 1},
    "soak": {"payments": 250_000, "rate": 1_000, "kill": 32, "pause": 6, "leave": 50, "broker": 4, "forget": 4, "s3": 0.3, "s3_after": 45,
             "standby": 1},
    "network": {"payments": 30_000, "rate": 1_000, "kill": 2, "cut": 6, "endtxn": 16, "late": 20, "place": 6},
    "network-soak": {"payments": 150_000, "rate": 700, "kill": 8, "pause": 2, "leave": 6, "broker": 2, "cut": 40, "endtxn": 60, "late": 60,
                     "place": 20, "s3": 0.3, "s3_after": 45},
    "standby": {"payments": 25_000, "rate": 700, "away": 2, "standby": 1},
    "three": {"payments": 30_000, "rate": 1_000, "kill": 2, "leave": 1, "lose": 2},
    "three-soak": {"payments": 150_000, "rate": 1_000, "kill": 10, "pause": 2, "leave": 5, "lose": 12},
}
SESSION_S = 6
STORE_EVENTS = ("archive_failed", "archive_works_again", "snapshot_not_shared", "snapshot_not_fetched")
KINDS = ("decisions", "rejects", "others", "alerts")


def stage_tables(card="paywarden.by-card", merchant="paywarden.by-merchant"):
    return f"""
[[kafka.stage]]
name = "card"
keyed_by = "card"
topic = "{card}"
[[kafka.stage]]
name = "merchant"
keyed_by = "merchant"
topic = "{merchant}"
"""


def keyed_by_card_only(config):
    """The configuration without features that need payments of several partitions."""
    head, *features = re.split(r"(?m)^(?=\[\[feature\]\])", config)
    kept = [f for f in features if (m := re.search(r'(?m)^by = (.*)$', f)) is None or '"card"' in m[1]]
    tail = re.split(r"(?m)^(?=\[(?!\[feature))", features[-1])[1:]  # tables behind the last feature
    if features[-1] not in kept:
        kept.append("".join(tail))
    return head + "".join(kept)


class Instance:
    def __init__(self, run, number, group="paywarden", topics="", stages=""):
        self.run, self.number = run, number
        self.folder = run.work / f"instance-{group}-{number}"
        self.folder.mkdir()
        self.log = self.folder / "log"
        self.process = None
        # Payments are sent a thousand times faster than they happened: what waits for a second is a quarter of an hour late.
        config = run.config + f"""
[log]
kind = "kafka"
[kafka]
properties_file = "{run.work}/client.properties"
group = "{group}"
instance = "{number}"
{'' if stages else 'keyed_by = "card"'}
partitions = {PARTITIONS}
transaction_timeout = "5s"
share_snapshots = true
snapshot_every = 3000
state_hash_every = 500
standby = {run.plan.get("standby", 0)}
{topics}
{stages}
[data]
directory = "{self.folder}/data"
[intake]
card_key_file = "{run.work}/card.key"
idempotency_horizon = "60d"
[model]
directory = "{run.work}/model"
[archive]
{run.archive.table(group)}
batch_records = 400
batch_time = "1s"
"""
        self.config = self.folder / "config.toml"
        self.config.write_text(config)

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.run.program, "serve", "--config", self.config, "--port", "0"],
                                            stdout=log, stderr=log, start_new_session=True,
                                            env={**os.environ, **self.run.archive.environment})

    def running(self):
        if self.process and self.process.poll() is not None:
            code = self.process.returncode
            self.process = None
            if code not in (0, -signal.SIGKILL, -signal.SIGTERM):  # the last: while it started
                self.run.wrong(f"instance {self.number} ended with {code}: {self.log.read_text()[-1500:]}")
        return self.process is not None

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def leave(self):
        self.process.terminate()
        try:
            code = self.process.wait(60)  # a store that hangs does not keep it
        except subprocess.TimeoutExpired:
            self.run.wrong(f"instance {self.number} does not stop: {self.log.read_text()[-1500:]}")
            self.kill()
            return
        self.process = None
        if code not in (0, -signal.SIGTERM):  # the latter while it started
            self.run.wrong(f"instance {self.number} ended with {code}: {self.log.read_text()[-1500:]}")


class Run:
    def __init__(self, program, root, plan, seed, staged):
        self.program, self.root, self.plan, self.staged = program, root, plan, staged
        self.seed, self.chance = seed, random.Random(seed)
        self.proxy = kafka_proxy.Proxy(seed) if "endtxn" in plan else None
        self.brokers = 3 if "lose" in plan else 1
        self.lost = []  # brokers that are away
        self.problems = []
        self.events = collections.Counter()
        self.takeovers = []

    def wrong(self, what):
        print("WRONG", what, flush=True)
        self.problems.append(what)

    def kafka(self, *arguments):
        return subprocess.run([self.root / "scripts/kafka.sh", arguments[0], self.work / "kafka", *arguments[1:]]).returncode

    def prepare(self):
        between = [f"advertised.listeners=PLAINTEXT://127.0.0.1:{self.proxy.port}"] if self.proxy else []
        status = self.kafka("start", "--owner", str(os.getpid()), "--brokers", str(self.brokers), *between)
        if status != 0:
            sys.exit(status)
        if self.kafka("topics", f"payments:{PARTITIONS}", f"labels:{PARTITIONS}") != 0:
            sys.exit("the topics cannot be made")
        self.bootstrap = (self.work / "kafka/bootstrap").read_text().strip()
        if self.proxy:
            host, port = self.bootstrap.split(":")
            self.proxy.target = host, int(port)
            self.bootstrap = f"127.0.0.1:{self.proxy.port}"
        (self.work / "client.properties").write_text(
            f"bootstrap.servers={self.bootstrap}\nsession.timeout.ms={SESSION_S * 1000}\nheartbeat.interval.ms=1000\n")
        (self.work / "card.key").write_text("0123456789abcdef0123456789abcdef\n")
        cards = (self.root / "config/cards.toml").read_text()
        self.config = re.sub(r"(?m)^trees = .*", "trees = 30", cards if self.staged else keyed_by_card_only(cards))
        (self.work / "train.toml").write_text(self.config + f'[data]\ndirectory = "{self.work}/train"\n')
        data = self.root / "../shared/data"
        head = subprocess.Popen(["xzcat", data / "card-payments-train.csv.xz"], stdout=subprocess.PIPE)
        with open(self.work / "train.csv", "wb") as out:
            for number, line in enumerate(head.stdout):
                if number > 100_000:
                    break
                out.write(line)
        head.kill()
        head.wait()
        self.must([self.program, "train", "--config", self.work / "train.toml", "--data", self.work / "train.csv", "--out",
                   self.work / "model"])
        feed = subprocess.run([self.root / "src/app/tests/kafka_feed.py", "--payments", str(self.plan["payments"]), "--repeats",
                               "0.02", *(["--label-payments"] if self.staged else []), data / "card-payments-test.csv.xz"], capture_output=True, check=True, text=True).stdout
        self.feed = feed.splitlines()
        for number in self.chance.sample(range(len(self.feed)), 40):  # what is no payment goes its own way
            self.feed.insert(number, self.chance.choice(["rubbish", '{"trans_num":""}', '{"label":{}}', "{", '{"label":7}']))

    def must(self, command):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{command[1]}: {done.stderr[-2000:]}")

    def keyed(self):
        """(key, line): labels go where their payment is."""
        card_of = {}
        for line in self.feed:
            try:
                record = json.loads(line)
                card = record.get("cc_num") or card_of.get(record["label"]["payment_id"])
                card_of[record.get("trans_num")] = card
            except (ValueError, KeyError, TypeError):
                card = None
            yield self.chance.randbytes(4).hex() if self.staged else card or "none", line

    def send(self):
        """Starts kcat; yields after each tenth of a second's records."""
        kcat = subprocess.Popen(["kcat", "-E", "-b", self.bootstrap, "-P", "-t", "payments", "-K", "\t", "-X", "linger.ms=5", "-X",
                                 "message.timeout.ms=120000", "-X", "enable.idempotence=true"], stdin=subprocess.PIPE, text=True)
        begun = time.monotonic()
        for number, (key, line) in enumerate(self.keyed()):
            kcat.stdin.write(f"{key}\t{line}\n")
            if number % (self.plan["rate"] // 10) == 0:
                kcat.stdin.flush()
                while time.monotonic() - begun < number / self.plan["rate"]:
                    time.sleep(0.005)
                yield number
        kcat.stdin.close()
        if kcat.wait(180) != 0:
            self.wrong("the payments could not be sent")

    def read(self, topic):
        """(header `input` or "", partition, offset, value) of each visible record."""
        done = subprocess.run(["kcat", "-b", self.bootstrap, "-C", "-q", "-e", "-o", "beginning", "-X",
                               "isolation.level=read_committed", "-t", topic, "-f", "%h\x1f%p\x1f%o\x1f%S\x1f%s\n"],
                              capture_output=True)
        at, data = 0, done.stdout
        while at < len(data):
            header, partition, offset, size, start = (*data[at:at + 4000].split(b"\x1f", 4)[:4], 0)
            start = at + len(header) + len(partition) + len(offset) + len(size) + 4
            at = start + int(size) + 1
            yield header.decode().split(",payment=")[0].removeprefix("input="), int(partition), int(offset), data[start:start + int(size)]

    def outcomes(self, topic, prefix="", forward=()):
        """Of the records of `topic`: (partition, offset) -> [(where, value)]"""
        found = collections.defaultdict(list)
        for where in [*(prefix + "paywarden." + kind for kind in KINDS[:3]), *forward]:
            for header, _, _, value in self.read(where):
                if header.rsplit(":", 2)[0] == topic:
                    _, partition, offset = header.rsplit(":", 2)
                    found[int(partition), int(offset)].append((where.removeprefix(prefix), value))
        return found

    def inputs(self, topic="payments"):
        return {(partition, offset) for _, partition, offset, _ in self.read(topic)}

    def way(self):
        """(stage, its input, where it hands on)"""
        if not self.staged:
            return [("decide", "payments", [])]
        return [("intake", "payments", ["paywarden.by-card"]), ("card", "paywarden.by-card", ["paywarden.by-merchant"]),
                ("merchant", "paywarden.by-merchant", [])]

    def wait_for(self, topic, prefix="", forward=(), timeout=300):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if len(self.outcomes(topic, prefix, forward)) >= len(self.inputs(topic)):
                return True
            time.sleep(1)
        return False

    def disturb(self, instances):
        """One thing at a time, spread over the feed; what is away comes back within seconds. A thing that finds nobody there waits for
        somebody: all of the plan happens."""
        things = [thing for thing in THINGS for _ in range(self.plan.get(thing, 0))]
        self.chance.shuffle(things)
        ticks = len(self.feed) // (self.plan["rate"] // 10)
        at = sorted(self.chance.sample(range(20, ticks), len(things)))
        due = collections.deque(zip(at, things))
        back = []  # (time, what to do)

        def come_back():
            for entry in [entry for entry in back if entry[0] <= time.monotonic()]:
                back.remove(entry)
                entry[1]()

        for tick, _ in enumerate(self.send()):
            come_back()
            if due and due[0][0] <= tick and self.do(due[0][1], instances, back):
                due.popleft()
        end = time.monotonic() + 300
        while (due or back) and time.monotonic() < end:  # where all instances died of a bug, none comes back
            time.sleep(1)
            come_back()
            if due and self.do(due[0][1], instances, back):
                due.popleft()

    def do(self, thing, instances, back):
        """False: not now."""
        running = [i for i in instances if i.running() and not getattr(i, "paused", False)]
        if not running or (thing == "lose" and self.lost):  # of three brokers two are there
            return False
        one = self.chance.choice(running)
        later = time.monotonic() + self.chance.uniform(0.2, 4)
        self.events[thing] += 1
        if thing == "kill":
            self.takeovers.append((one, time.time()))
            one.kill()
            back.append((later, one.start))
        elif thing == "away":  # for so long that others take over
            self.takeovers.append((one, time.time()))
            one.kill()
            back.append((time.monotonic() + SESSION_S + self.chance.uniform(4, 6), one.start))
        elif thing == "leave":
            one.leave()
            back.append((later, one.start))
        elif thing == "forget":
            one.kill()
            shutil.rmtree(one.folder / "data")
            if self.chance.random() < 0.5:
                self.archive.forget_snapshots("paywarden")
            back.append((later, one.start))
        elif thing == "pause":
            one.paused = True
            os.kill(one.process.pid, signal.SIGSTOP)

            def wake():
                one.paused = False
                os.kill(one.process.pid, signal.SIGCONT)
            back.append((time.monotonic() + SESSION_S + self.chance.uniform(2, 6), wake))
        elif thing == "broker":
            self.kafka("restart")
        elif thing == "cut":
            self.proxy.cut(f"paywarden-{one.number}")
        elif thing == "endtxn":
            self.proxy.arm(list(kafka_proxy.MODES)[self.events[thing] % len(kafka_proxy.MODES)])
        elif thing == "late":
            self.proxy.arm("late")
        elif thing == "place":
            self.proxy.arm_place(["late", "deaf", "hold"][self.events[thing] % 3])
        elif thing == "lose":
            self.lose_broker(back)
        return True

    def lose_broker(self, back):
        number = str(self.chance.randrange(1, self.brokers + 1))
        self.lost.append(number)
        self.kafka("kill", number)

        def come_back():
            self.kafka("restart", number)
            self.lost.remove(number)
        back.append((time.monotonic() + self.chance.uniform(4, 8), come_back))

    def check(self, instances):
        self.tell_takeovers(instances)
        hashes, compared, unequal = {}, 0, 0
        for stage, topic, forward in self.way():
            inputs, found = self.inputs(topic), self.outcomes(topic, "", forward)
            lost, above = len(inputs - set(found)), len(set(found) - inputs)
            duplicated = sum(len(outcomes) > 1 for outcomes in found.values())
            mismatched = 0
            if stage != "intake":  # which has no state: the order of what it hands on is the next topic's own
                alone = self.alone(stage, topic)
                referee = self.outcomes(topic, "alone.", ["alone.paywarden.by-merchant"] if forward else [])
                mismatched = sum(found.get(key) != value for key, value in referee.items()) + len(set(inputs) - set(referee))
                instances = [*instances, alone]
            print(f"{stage}: {len(inputs)} records; lost: {lost}, duplicated: {duplicated}, above the input: {above}, "
                  f"mismatched: {mismatched}")
            if lost or duplicated or above or mismatched:
                self.wrong(f"a promise is broken in {stage}; the first lost: {sorted(inputs - set(found))[:12]}")
        for instance in instances:
            for line in instance.log.read_text(errors="replace").splitlines():
                if '"event":"state"' in line:
                    state = json.loads(line)
                    key = state["stage"], state["partition"], state["next"]
                    compared += key in hashes
                    unequal += hashes.setdefault(key, state["hash"]) != state["hash"]
        self.check_archive()
        self.tell_store(instances)
        decided = collections.Counter(json.loads(value)["payment_id"] for _, _, _, value in self.read("paywarden.decisions"))
        twice = sum(n > 1 for n in decided.values())
        print(f"{sum(decided.values())} decisions, decided twice: {twice}; states compared: {compared}, unequal: {unequal}; "
              f"{dict(self.events)}{dict(self.proxy.done) if self.proxy else ''}{dict(self.archive.done) or ''}")
        if twice or unequal or compared < 20 or len(decided) != self.plan["payments"]:
            self.wrong("a promise is broken")
        missed = {thing: self.plan[thing] - self.events[thing] for thing in THINGS if self.plan.get(thing, 0) != self.events[thing]}
        if missed:
            self.wrong(f"of the plan did not happen: {missed}")

    def wait_for_archive(self, timeout=120):
        """Its last batch takes a second; what was cut off before it longer. Most objects are made now, so S3 fails a while yet."""
        visible, begun = sum(1 for _ in self.read("paywarden.decisions")), time.monotonic()
        while time.monotonic() < begun + timeout:
            if time.monotonic() > begun + self.plan.get("s3_after", 0):
                self.archive.end_faults()
            paths = (self.archive.objects("paywarden") / "topics").rglob("*.json.gz")
            if sum(gzip.open(path).read().count(b"\n") for path in paths) >= visible:
                break
            time.sleep(1)

    def check_archive(self):
        """Objects tile each partition of the decisions topic: each decision in one, between its name's offset and the next one's."""
        visible = {(p, o): value.decode() for _, p, o, value in self.read("paywarden.decisions")}
        found, wrong = collections.Counter(), 0
        objects = collections.defaultdict(list)
        for path in (self.archive.objects("paywarden") / "topics").rglob("*.json.gz"):
            _, partition, start = path.name.removesuffix(".json.gz").split("+")
            objects[int(partition)].append((int(start), path))
        for partition, paths in objects.items():
            paths.sort()
            ends = [start for start, _ in paths[1:]] + [1 << 62]
            for (start, path), end in zip(paths, ends):
                for line in gzip.open(path, "rt"):
                    offset = json.loads(line)["offset"]
                    found[partition, offset] += 1
                    decision = "{" + line.split(",", 1)[1].rsplit(',"payment":{', 1)[0] + "}"
                    wrong += not start <= offset < end or visible.get((partition, offset)) != decision
        missing, twice = len(set(visible) - set(found)), sum(n > 1 for n in found.values())
        print(f"archive: {sum(found.values())} decisions in {sum(len(o) for o in objects.values())} objects; missing: {missing}, "
              f"twice: {twice}, different or elsewhere: {wrong}")
        if missing or twice or wrong:
            self.wrong("the archive is not the decisions topic")

    def tell_store(self, instances):
        """What the instances said of the store; faults that none of them met would prove nothing."""
        if not self.archive.done:
            return
        logs = "".join(instance.log.read_text(errors="replace") for instance in instances)
        said = {event: logs.count(f'"event":"{event}"') for event in STORE_EVENTS}
        print(f"what was said of the store: {said}")
        if not said["archive_failed"]:
            self.wrong("no fault of S3 came through to the archive")

    def alone(self, stage, topic):
        """One instance reads all of a stage's input by itself, undisturbed, and writes elsewhere."""
        topics = [f'{kind}_topic = "alone.paywarden.{kind}"' for kind in KINDS]
        stages = ""
        if self.staged:
            topics.append(f'run = ["{stage}"]')
            stages = stage_tables(merchant=topic if stage == "merchant" else "alone.paywarden.by-merchant")
        one = Instance(self, f"alone-{stage}", "referee", "\n".join(topics), stages)
        one.start()
        forward = ["alone.paywarden.by-merchant"] if stage == "card" else []
        if not self.wait_for(topic, "alone.", forward):
            self.wrong(f"the referee of {stage} does not come to an end: " + one.log.read_text()[-1500:])
        one.leave()
        return one

    def tell_takeovers(self, instances):
        """From a kill to the first partition that another instance, or the killed one itself, decides live after it."""
        restored = []
        for instance in instances:
            for line in instance.log.read_text(errors="replace").splitlines():
                if '"event":"restored"' in line:
                    event = json.loads(line)
                    when = datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()
                    restored.append((when, float(event["mb_per_s"]), int(event["at"]) - int(event["from"])))
        restored.sort()
        times = [min((when for when, _, _ in restored if when > at), default=at) - at for _, at in self.takeovers]
        speeds = sorted(speed for _, speed, records in restored if records > 1000)
        if times:
            print(f"takeover after a kill: median {sorted(times)[len(times) // 2]:.1f} s, most {max(times):.1f} s (session timeout "
                  f"{SESSION_S} s)")
        self.tell_replayed(instances)
        if speeds:
            print(f"restore: median {speeds[len(speeds) // 2]:.1f} MB/s of input")

    def tell_replayed(self, instances):
        """How many records each takeover had to replay, by what was there before."""
        replayed = collections.defaultdict(list)
        for instance in instances:
            for line in instance.log.read_text(errors="replace").splitlines():
                if '"event":"restored"' in line:
                    event = json.loads(line)
                    replayed[event["had"]].append(int(event["at"]) - int(event["from"]))
        if self.plan.get("away") and self.plan.get("standby") and not replayed["standby"]:
            self.wrong("no takeover began with a state that was followed")
        for had, records in sorted(replayed.items()):
            records.sort()
            print(f"taken over with {had}: {len(records)} times, replayed median {records[len(records) // 2]}, most {records[-1]} records")

    def main(self):
        with tempfile.TemporaryDirectory() as folder:
            self.work = pathlib.Path(folder)
            self.archive = chaos_archive.of(self.work, self.root, self.seed, self.plan.get("s3", 0))
            instances = []
            try:
                self.prepare()
                stages = stage_tables() if self.staged else ""
                instances = [Instance(self, number, stages=stages) for number in range(1, INSTANCES + 1)]
                for instance in instances:
                    instance.start()
                begun = time.monotonic()
                self.disturb(instances)
                print(f"all sent after {time.monotonic() - begun:.0f} s", flush=True)
                for _, topic, forward in self.way():
                    if not self.wait_for(topic, "", forward):
                        self.wrong(f"not every record of {topic} has an outcome: " + instances[0].log.read_text()[-3000:])
                print(f"all decided after {time.monotonic() - begun:.0f} s", flush=True)
                self.wait_for_archive()
                self.archive.end_faults()
                print(f"all archived after {time.monotonic() - begun:.0f} s", flush=True)
                for instance in instances:
                    if instance.running():
                        instance.leave()
                self.check(instances)
            finally:
                for instance in instances:
                    if instance.running():
                        instance.kill()
                if os.environ.get("PAYWARDEN_KEEP"):
                    shutil.copytree(self.work, os.environ["PAYWARDEN_KEEP"], dirs_exist_ok=True)
                self.kafka("stop")
                self.archive.stop()
        return 1 if self.problems else 0


def main():
    program, root = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    plan = PLANS[sys.argv[3] if len(sys.argv) > 3 else "short"]
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    if not (root / "../shared/data/card-payments-test.csv.xz").exists() or not shutil.which("kcat"):
        print("skipped: ../shared/data or kcat is not here")
        return 77
    return Run(program, root, plan, seed, sys.argv[5:6] == ["stages"]).main()


if __name__ == "__main__":
    sys.exit(main())
