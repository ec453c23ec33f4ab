#!/usr/bin/env python3
"""Copies and removes objects of an S3 server for a program without boto3: a line in, a line with a number out; ends when its input does.
Runs in the Python environment of scripts/test-servers.sh, with the credentials of its environment.

    s3_objects.py ENDPOINT BUCKET
    copy PREFIX FOLDER     FOLDER holds the objects under PREFIX, as files named by their keys, and no others under PREFIX; their number
    remove PREFIX          none is under PREFIX; how many there were
"""
import pathlib
import sys

import boto3


class Objects:
    def __init__(self, endpoint, bucket):
        self.bucket = boto3.resource("s3", endpoint_url=endpoint, region_name="us-east-1").Bucket(bucket)
        self.copied = {}  # file -> ETag

    def copy(self, prefix, folder):
        found = {pathlib.Path(folder, entry.key): entry for entry in self.bucket.objects.filter(Prefix=prefix)}
        for path, entry in found.items():
            if self.copied.get(path) != entry.e_tag:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(entry.get()["Body"].read())
                self.copied[path] = entry.e_tag
        for path in set(self.copied) - set(found):
            path.unlink()
            del self.copied[path]
        return len(found)

    def remove(self, prefix):
        entries = list(self.bucket.objects.filter(Prefix=prefix))
        for entry in entries:
            entry.delete()
        return len(entries)


def main():
    objects = Objects(*sys.argv[1:])
    for line in sys.stdin:
        what, *arguments = line.rstrip("\n").split("\t")
        print({"copy": objects.copy, "remove": objects.remove}[what](*arguments), flush=True)


if __name__ == "__main__":
    main()
