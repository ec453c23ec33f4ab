"""What tests of the program in Python share: commands of it, and the demo's configuration with other values. To be imported."""
import pathlib
import shutil
import subprocess
import sys

PROGRAM, ROOT = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[-1]).resolve()


def fail(text):
    log = pathlib.Path("server.log")
    if log.exists():
        print("\n".join(log.read_text().splitlines()[-15:]))
    sys.exit(f"FAILED: {text}")


def paywarden(*words, fails=False):
    """What it prints; on standard error where it is to fail."""
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=300)
    if (done.returncode == 0) == fails:
        fail(f"paywarden {' '.join(map(str, words))} ended with {done.returncode}: {done.stderr}")
    return done.stderr if fails else done.stdout


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
