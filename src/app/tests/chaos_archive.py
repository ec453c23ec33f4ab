"""Where the instances of kafka_chaos.py archive to: a folder, or an S3 server behind a proxy that disturbs it (s3_faults.py).

    archive = chaos_archive.of(work, root, seed, share)    # share: of the store's requests that are disturbed; 0: a folder
    archive.table("paywarden")             # where a group archives to, as lines of [archive]
    archive.environment                    # that its instances need
    archive.objects("paywarden")           # a folder that holds the group's objects as they are now
    archive.forget_snapshots("paywarden")
    archive.end_faults()
    archive.done                           # what was disturbed, counted
    archive.stop()
"""
import os
import pathlib
import shutil
import subprocess

import s3_faults

BUCKET = "paywarden-chaos"


def of(work, root, seed, share):
    """An S3 server where there is one."""
    venv = os.environ.get("PAYWARDEN_TEST_VENV")
    if share and not venv:
        print("archived to a folder, and no faults of S3: PAYWARDEN_TEST_VENV is no Python environment with moto; ./test center makes one",
              flush=True)
    return S3Archive(work, root, pathlib.Path(venv) / "bin/python", seed, share) if share and venv else FolderArchive(work)


class FolderArchive:
    environment, done = {}, {}

    def __init__(self, work):
        self.folder = work / "archive"
        self.folder.mkdir()

    def table(self, group):
        return f'kind = "folder"\ndirectory = "{self.folder / group}"'

    def objects(self, group):
        return self.folder / group

    def forget_snapshots(self, group):
        shutil.rmtree(self.folder / group / "snapshots", ignore_errors=True)

    def end_faults(self):
        pass

    def stop(self):
        pass


class S3Archive:
    def __init__(self, work, root, python, seed, share):
        self.folder = work / "archive"
        # Both programs end when their input does, so with this one, however it ends.
        self.server = self.talk_to([python, root / "src/archive/s3_server.py", BUCKET])
        port, key, secret = self.server.stdout.readline().split()[:3]
        self.environment = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}
        self.reader = self.talk_to([python, root / "src/app/tests/s3_objects.py", f"http://127.0.0.1:{port}", BUCKET], **self.environment)
        self.proxy = s3_faults.Proxy(int(port), share, seed)

    @staticmethod
    def talk_to(command, **environment):
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})

    def ask(self, *words):
        """The reader, which goes to the server itself."""
        print(*words, sep="\t", file=self.reader.stdin, flush=True)
        return int(self.reader.stdout.readline())

    def table(self, group):
        return f'kind = "s3"\nbucket = "{BUCKET}"\nprefix = "{group}/"\nendpoint = "http://127.0.0.1:{self.proxy.port}"\npath_style = true'

    def objects(self, group):
        self.ask("copy", f"{group}/topics/", self.folder)
        return self.folder / group

    def forget_snapshots(self, group):
        self.ask("remove", f"{group}/snapshots/")

    def end_faults(self):
        self.proxy.end()

    @property
    def done(self):
        return dict(self.proxy.done)

    def stop(self):
        for process in (self.reader, self.server):
            process.stdin.close()
            process.wait()
