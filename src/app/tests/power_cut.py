#!/usr/bin/env python3
"""Cuts the power under a running server, again and again, and looks for payments that were acknowledged and are gone.

  power_cut.py PROGRAM PROJECT_ROOT [--rounds N] [--seed S] [--snapshot-every N]

The data directory lies on an ext4 file system in an image. While several connections send simulated payments (batches and
singles) and one reads decisions of payments not yet answered, the file system is shut down without flushing its log: what
was not synced is gone. The server must notice and exit with an error line. Then the file system is recovered and mounted
again, the journal verified and the server started, and every payment that was answered or shown must have the decision it had,
to the byte: sent again, and (some of them) read. Exit status: 0 none lost, 1 some, 77 no root or no loop devices.
"""
import argparse
import contextlib
import fcntl
import http.client
import itertools
import json
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

EXT4_IOC_SHUTDOWN = 2 << 30 | 4 << 16 | ord("X") << 8 | 125  # _IOR('X', 125, u32)
GOING_FLAGS_NOLOGFLUSH = 2
EXIT_TIMEOUT = 20  # seconds in which the server must notice that its disk is gone
READY_TIMEOUT = 60
BATCH_LINES = 400
DECIDED_LINE = re.compile(rb'{"line":(\d+),"status":200,"decision":(.*)}\n')
BROKEN = (OSError, http.client.HTTPException)


def run(*command, ok=(0,)):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode not in ok:
        sys.exit(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}")
    return done.stdout


class Disk:
    """An ext4 file system in a sparse file."""

    def __init__(self, work):
        self.image, self.mount_point, self.mounted = work / "disk.img", work / "disk", False
        self.mount_point.mkdir()
        with open(self.image, "wb") as image:
            image.truncate(1 << 30)
        run("mkfs.ext4", "-q", "-F", self.image)

    def mount(self):
        done = subprocess.run(["mount", "-o", "loop", self.image, self.mount_point], stderr=subprocess.PIPE, text=True, check=False)
        self.mounted = done.returncode == 0
        return done.stderr.strip()

    def cut_power(self):
        with contextlib.closing(DirectoryHandle(self.mount_point)) as directory:
            fcntl.ioctl(directory.fd, EXT4_IOC_SHUTDOWN, struct.pack("I", GOING_FLAGS_NOLOGFLUSH))

    def recover(self):
        self.unmount()
        run("fsck.ext4", "-f", "-p", self.image, ok=(0, 1))  # replays the file system's log
        error = self.mount()
        if error:
            sys.exit(f"the disk cannot be mounted again: {error}")

    def unmount(self):
        if self.mounted:
            run("umount", self.mount_point)
            self.mounted = False


class DirectoryHandle:
    def __init__(self, path):
        self.fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)

    def close(self):
        os.close(self.fd)


class Server:
    """`paywarden serve`, and what it wrote."""

    def __init__(self, program, work):
        self.program, self.work, self.process, self.starts = program, work, None, 0

    def start(self):
        self.starts += 1
        self.log = self.work / f"server-{self.starts}.log"
        ready = self.work / "ready"
        ready.unlink(missing_ok=True)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([self.program, "serve", "--config", "demo.toml", "--port", "0", "--ready-file", ready],
                                            cwd=self.work, stdout=log, stderr=log)
        until = time.monotonic() + READY_TIMEOUT
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > until:
                sys.exit(f"the server did not become ready:\n{self.log.read_text()}")
            time.sleep(0.01)
        self.address = ready.read_text().split("\n", maxsplit=1)[0].removeprefix("http://")
        return self.decided_otherwise()

    def decided_otherwise(self):
        """How many payments the recovery decided otherwise than the log has it."""
        for line in self.log.read_text().splitlines():
            if '"event":"recovered"' in line:
                return int(json.loads(line)["decided_otherwise"])
        sys.exit(f"the server does not say what it recovered:\n{self.log.read_text()}")

    def wait(self, timeout):
        """The exit status; None: it hung and was killed."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.print_stacks()
            self.process.kill()
            self.process.wait()
            return None

    def print_stacks(self):
        """What a hung server wrote last, and where each of its threads stands, in the kernel and in the program."""
        print(self.log.read_text()[-4000:])
        for task in sorted(Path(f"/proc/{self.process.pid}/task").iterdir()):
            for name in ("comm", "wchan", "stack"):
                with contextlib.suppress(OSError):
                    print(f"{task.name} {name}: {(task / name).read_text().strip()}")
        if shutil.which("gdb"):
            done = subprocess.run(["gdb", "-p", str(self.process.pid), "-batch", "-ex", "thread apply all bt"], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True, check=False)
            print(done.stdout, flush=True)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.wait(READY_TIMEOUT) != 0:
            sys.exit(f"the server did not stop in order:\n{self.log.read_text()}")

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Client:
    """One connection."""

    def __init__(self, address, key):
        self.connection = http.client.HTTPConnection(address, timeout=30)
        self.headers = {"Authorization": f"Bearer {key}"}

    def post(self, payment):
        self.connection.request("POST", "/v1/payments", payment, self.headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def get(self, payment_id):
        self.connection.request("GET", f"/v1/decisions/{payment_id}", headers=self.headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def batch(self, payments):
        """Yields (index, decision) or (None, line) for each answer, as they come; an answer cut off is none."""
        self.connection.request("POST", "/v1/payments:batch", b"".join(payments), self.headers)
        answer = self.connection.getresponse()
        if answer.status != 200:
            yield None, answer.read()
            return
        while (line := answer.readline()).endswith(b"\n"):
            decided = DECIDED_LINE.fullmatch(line)
            yield (int(decided[1]) - 1, decided[2]) if decided else (None, line)


def endless(path):
    """The payments of a file, over and over with other ids: a fast machine must not run out of them, since a server that is sent
    nothing writes nothing and does not notice that its disk is gone."""
    for time_around in itertools.count():
        prefix = b'"payment_id":"%d-' % time_around
        with open(path, "rb") as lines:
            for line in lines:
                yield line.replace(b'"payment_id":"', prefix, 1)


class Traffic:
    """What was sent, what was answered, what was shown, over all rounds."""

    def __init__(self, payments, seed):
        self.lines = payments
        self.lock = threading.Lock()
        self.random = random.Random(seed)
        self.bodies, self.answered, self.shown, self.open = {}, {}, {}, {}
        self.refused = 0
        self.stopping = False
        # No answer leaves a machine without power: what is heard from the moment of the cut on is no promise. An fdatasync that is
        # under way when the shutdown begins can return 0 although its blocks are not in the file system's log: a program of one
        # thread that only appends and syncs lost its last acknowledged append in 3 of 25 such cuts (Linux 6.18), always one whose
        # fdatasync began before the ioctl and returned after that, never one that had returned before. The server answers only after its
        # own fdatasync returned 0, so such a group is acknowledged and gone, and no program can tell.
        self.powered, self.too_late = True, set()

    def take(self, count):
        with self.lock:
            lines = list(itertools.islice(self.lines, count))
            ids = [json.loads(line)["payment_id"] for line in lines]
            self.bodies.update(zip(ids, lines))
            self.open.update(zip(ids, lines))
        return ids, lines

    def acknowledge(self, payment_id, decision):
        with self.lock:
            if self.powered:
                self.answered[payment_id] = decision
            else:
                self.too_late.add(payment_id)
            self.open.pop(payment_id, None)

    def send_batches(self, client):
        ids, lines = self.take(BATCH_LINES)
        for index, answer in client.batch(lines):
            if index is None:
                self.refuse()
            else:
                self.acknowledge(ids[index], answer)

    def send_single(self, client):
        ids, lines = self.take(1)
        status, answer = client.post(lines[0].rstrip(b"\n"))
        if status == 200:
            self.acknowledge(ids[0], answer)
        else:
            self.refuse()

    def look(self, client):
        """Reads a decision that nobody was told of yet."""
        with self.lock:
            waiting = list(itertools.islice(self.open, 2000))
        if not waiting:
            return
        payment_id = self.random.choice(waiting)
        status, decision = client.get(payment_id)
        if status == 200:
            with self.lock:
                if self.powered:
                    self.shown[payment_id] = decision

    def refuse(self):
        with self.lock:
            self.refused += 1
        time.sleep(0.001)

    def start(self, address, key):
        """Every kind of work on connections of its own, until they break."""
        self.stopping = False
        self.open.clear()

        def work(step):
            client = Client(address, key)
            with contextlib.suppress(*BROKEN):
                while not self.stopping:
                    step(client)

        steps = [self.send_batches] * 2 + [self.send_single] * 3 + [self.look]
        self.threads = [threading.Thread(target=work, args=(step,), daemon=True) for step in steps]
        for thread in self.threads:
            thread.start()

    def finish(self):
        self.stopping = True
        for thread in self.threads:
            thread.join()


class Checker:
    def __init__(self, program, root, work, seed, snapshot_every):
        self.random = random.Random(seed)
        self.work, self.program = work, program
        self.disk = Disk(work)
        self.server = Server(program, work)
        self.problems = []
        self.lost, self.differing, self.hung = set(), set(), 0
        self.too_late = self.too_late_gone = 0
        self.write_config(root, snapshot_every)

    def write_config(self, root, snapshot_every):
        for file in root.glob("config/demo*"):
            shutil.copy(file, self.work)
        config = self.work / "demo.toml"
        text = config.read_text()
        for pattern, new in ((r'directory = "[^"]*demo/model"', 'directory = "model"'), (r"rate = \d+", "rate = 0"), (r"trees = \d+", "trees = 10")):
            text, found = re.subn(rf"^{pattern}", new, text, flags=re.MULTILINE)
            if found != 1:
                sys.exit(f"config/demo.toml has no line like {pattern}")
        # Small segments: the cuts meet rotations too.
        config.write_text(text + f'\n[data]\ndirectory = "{self.disk.mount_point}/data"\nsegment_bytes = "1MiB"\ndisk_free_min = "16MiB"\n'
                          f'\n[engine]\nsnapshot_every = {snapshot_every}\n')

    def prepare(self, payments):
        history, live = self.work / "history.ndjson", self.work / "live.ndjson"
        run(self.program, "simulate", "--payments", 20_000, "--seed", 1, "--customers", 500, "--out", history)
        run(self.program, "train", "--config", self.work / "demo.toml", "--data", history, "--out", self.work / "model")
        # Many customers: all payments fall within the days in which a repeat is known.
        run(self.program, "simulate", "--payments", payments, "--seed", 2, "--customers", 200_000, "--out", live)
        self.traffic = Traffic(endless(live), self.random.random())
        config = self.work / "demo.toml"
        self.key = run(self.program, "key", "create", "--config", config, "--name", "checker", "--role", "admin").strip()

    def verify(self):
        done = subprocess.run([self.program, "journal", "verify", self.disk.mount_point / "data/journal"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            self.problems.append(f"journal verify: {done.stdout.strip()}")
        return done.stdout.splitlines()

    def cut(self):
        """Traffic, a cut at a random moment, and the server's end. Returns the seconds that took."""
        self.traffic.start(self.server.address, self.key)
        time.sleep(self.random.uniform(0.02, 2.5))
        with self.traffic.lock:
            self.traffic.powered = False
        self.disk.cut_power()
        began = time.monotonic()
        status = self.server.wait(EXIT_TIMEOUT)
        took = time.monotonic() - began
        self.traffic.finish()
        self.traffic.powered = True
        if status is None:
            self.hung += 1
            self.problems.append(f"the server had not exited {EXIT_TIMEOUT} s after the cut")
        elif status != 1 or not self.error_line():
            self.problems.append(f"the server ended with {status} and '{self.error_line()}', not with 1 and an error line")
        return took

    def error_line(self):
        """The last line that is no log entry."""
        lines = [line for line in self.server.log.read_text().splitlines()[1:] if line and not line.startswith(("{", "  "))]
        return lines[-1] if lines else ""

    def compare(self, payment_id, decision, instead=b""):
        """`instead`: what was answered where there is no decision."""
        expected = [seen[payment_id] for seen in (self.traffic.answered, self.traffic.shown) if payment_id in seen]
        if decision is None and expected:
            self.lost.add(payment_id)
            if len(self.lost) == 1:
                print(f"{payment_id}: {expected[0]!r} is gone: {instead!r}")
        elif any(decision != e for e in expected):
            self.differing.add(payment_id)
            if len(self.differing) == 1:
                print(f"{payment_id}: {expected[0]!r} became {decision!r}")

    def known(self, ids):
        return [i for i in ids if i in self.traffic.answered or i in self.traffic.shown]

    def count_too_late(self):
        """Of the payments answered in the middle of the cut, those that are gone: not held against anybody, but told."""
        client = Client(self.server.address, self.key)
        gone = sum(client.get(payment_id)[0] != 200 for payment_id in self.traffic.too_late)
        self.too_late += len(self.traffic.too_late)
        self.too_late_gone += gone
        self.traffic.too_late.clear()

    def read(self, ids):
        client = Client(self.server.address, self.key)
        for payment_id in ids:
            status, decision = client.get(payment_id)
            self.compare(payment_id, decision if status == 200 else None, decision)

    def send_again(self, ids):
        """In batches; what was not answered before is answered now."""
        client = Client(self.server.address, self.key)
        for start in range(0, len(ids), BATCH_LINES):
            part = ids[start:start + BATCH_LINES]
            answers, refused = {}, b""
            for index, answer in client.batch([self.traffic.bodies[i] for i in part]):
                if index is None:
                    refused = answer
                else:
                    answers[index] = answer
            for index, payment_id in enumerate(part):
                self.compare(payment_id, answers.get(index), refused)
                if index in answers:
                    self.traffic.acknowledge(payment_id, answers[index])

    def check(self, fresh):
        """`fresh`: the payments sent since the last cut, in their order."""
        known = self.known(fresh)
        old = self.known(list(self.traffic.bodies)[:-len(fresh)] if fresh else [])
        # Reading goes first: sending a lost payment again would decide it anew.
        self.read(known[-300:] + self.random.sample(known, min(200, len(known))) + self.random.sample(old, min(100, len(old))))
        self.count_too_late()
        self.send_again(fresh)

    def round(self, number):
        sent, answered, shown = (len(seen) for seen in (self.traffic.bodies, self.traffic.answered, self.traffic.shown))
        took = self.cut()
        answered = len(self.traffic.answered) - answered
        shown = len(self.traffic.shown) - shown
        self.disk.recover()
        verified = self.verify()
        if otherwise := self.server.start():
            self.problems.append(f"recovery decided {otherwise} payments otherwise")
        self.check(list(self.traffic.bodies)[sent:])
        if number % 3 == 0:  # a start from a journal that was closed in order; else the next cut comes right after a recovery
            self.server.stop()
            self.verify()
            self.server.start()
        print(f"round {number}: {len(self.traffic.bodies) - sent} sent, {answered} acknowledged, {shown} shown before; exit after {took:.2f} s: "
              f"{self.last_error}; {verified[0] if verified else 'journal verify said nothing'}", flush=True)

    @property
    def last_error(self):
        logs = sorted(self.work.glob("server-*.log"), key=lambda log: log.stat().st_mtime)
        for log in reversed(logs):
            for line in reversed(log.read_text().splitlines()):
                if '"level":"error"' in line or line.startswith("paywarden"):
                    return line
        return "no error line"

    def finish(self):
        """Every payment of every round, once more."""
        everything = list(self.traffic.bodies)
        self.send_again(everything)
        self.server.stop()
        self.verify()
        print(f"{len(everything)} payments: {len(self.traffic.answered)} acknowledged, {len(self.traffic.shown)} shown before their answer, "
              f"{self.traffic.refused} answered otherwise, {len(self.lost)} lost, {len(self.differing)} differing, {self.hung} hung; "
              f"{self.too_late} were answered during a cut, {self.too_late_gone} of them are gone")
        for problem in self.problems:
            print(problem)
        return 1 if self.problems or self.lost or self.differing else 0

    def clean(self):
        self.server.kill()
        with contextlib.suppress(SystemExit):
            self.disk.unmount()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("program", type=lambda p: Path(p).resolve())
    arguments.add_argument("root", type=Path)
    arguments.add_argument("--rounds", type=int, default=4)
    arguments.add_argument("--seed", type=int, default=None, help="of the cuts' moments; another each time unless given")
    arguments.add_argument("--snapshot-every", type=int, default=1000, help="payments; few, so that cuts meet snapshots")
    options = arguments.parse_args()
    seed = random.randrange(1 << 32) if options.seed is None else options.seed
    if os.geteuid() != 0 or not all(shutil.which(tool) for tool in ("mkfs.ext4", "fsck.ext4", "mount", "umount")):
        print("skipped: cutting the power of a file system needs root and e2fsprogs")
        return 77
    with tempfile.TemporaryDirectory() as work:
        checker = Checker(options.program, options.root, Path(work), seed, options.snapshot_every)
        try:
            error = checker.disk.mount()
            if error:
                print(f"skipped: no loop device can be mounted here: {error}")
                return 77
            print(f"{options.rounds} rounds, seed {seed}", flush=True)
            checker.prepare(payments=40_000)
            checker.server.start()
            for number in range(1, options.rounds + 1):
                checker.round(number)
            return checker.finish()
        finally:
            checker.clean()


if __name__ == "__main__":
    sys.exit(main())
