"""What tests of the program in Python share: commands of it, the running program, keys, the demo's configuration with other values, and the
Python with packages of others. To be imported."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

PROGRAM, ROOT = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[-1]).resolve()


def fail(text):
    log = pathlib.Path("server.log")
    if log.exists():
        print("\n".join(log.read_text().splitlines()[-15:]))
    sys.exit(f"FAILED: {text}")


def paywarden(*words, fails=False, told=False):
    """What it prints; on standard error where it is to fail, or where that is asked for."""
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=300)
    if (done.returncode == 0) == fails:
        fail(f"paywarden {' '.join(map(str, words))} ended with {done.returncode}: {done.stderr}")
    return done.stderr if fails or told else done.stdout


def copy_demo():
    for file in ROOT.glob("config/demo*"):
        shutil.copy(file, ".")


def configuration(name, changes, behind=""):
    """demo.toml with some of its text replaced, and more behind it, as `name`."""
    text = pathlib.Path("demo.toml").read_text()
    for old, new in changes.items():
        if old not in text:
            fail(f"demo.toml has no {old}")
        text = text.replace(old, new)
    pathlib.Path(name).write_text(text + behind)


class Server:
    """`serve` with `config`, behind server.log. Ends with stop(), or at once with end()."""
    def __init__(self, config):
        pathlib.Path("ready").unlink(missing_ok=True)
        self.process = subprocess.Popen([PROGRAM, "serve", "--config", config, "--port", "0", "--ready-file", "ready"],
                                        stdout=open("server.log", "a"), stderr=subprocess.STDOUT)
        for _ in range(600):
            if pathlib.Path("ready").exists() and pathlib.Path("ready").read_text():
                self.url = pathlib.Path("ready").read_text().splitlines()[0]
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        self.end()
        fail("the program does not start")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(60) != 0:
            fail(f"the program ended with {self.process.returncode}")

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def keys_of(config, *roles):
    """A new key for each role, by its name."""
    keys = {}
    for role in roles:
        printed = paywarden("key", "create", "--config", config, "--name", role, "--role", role).split()
        found = [word for word in printed if word.startswith("pw_")]
        if len(found) != 1:
            fail(f"key create prints {printed}")
        keys[role] = found[0]
    return keys


def in_test_venv(packages):
    """Goes on under the Python of build/test-venv (scripts/test-servers.sh), which has the packages; without it ends with 77, skipped."""
    venv = os.environ.get("PAYWARDEN_TEST_VENV")
    if not venv or not pathlib.Path(venv, "requirements.txt").exists():
        print(f"skipped: there is no PAYWARDEN_TEST_VENV, with {packages}")
        sys.exit(77)
    if pathlib.Path(sys.prefix).resolve() != pathlib.Path(venv).resolve():
        os.execv(f"{venv}/bin/python", [f"{venv}/bin/python", *sys.argv])
