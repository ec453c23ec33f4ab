#!/usr/bin/env python3
"""An S3 server (moto) for tests: checks signatures and permissions as IAM does, and ends when its input does.

    s3_server.py BUCKET...

Prints one line: port, key id and secret of a user that may do everything, key id and secret of one that may only read. Runs in the
Python environment of scripts/test-servers.sh.
"""
import json
import os
import sys
import threading

# So many calls of IAM and S3 are not checked: those that make the users, their keys and policies, and the buckets.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = str(2 * 3 + len(sys.argv) - 1)

import boto3  # noqa: E402 (moto reads the variable when it is loaded)
import werkzeug.serving  # noqa: E402
from moto.server import DomainDispatcherApplication, create_backend_app  # noqa: E402


class Quiet(werkzeug.serving.WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_):
        pass


def make_user(iam, name, actions):
    iam.create_user(UserName=name)
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
    iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def main():
    server = werkzeug.serving.make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True,
                                          request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    options = {"endpoint_url": f"http://127.0.0.1:{server.port}", "region_name": "us-east-1", "aws_access_key_id": "setup",
               "aws_secret_access_key": "setup"}
    iam = boto3.client("iam", **options)
    users = make_user(iam, "writer", ["s3:*"]) + make_user(iam, "reader", ["s3:GetObject", "s3:ListBucket"])
    for bucket in sys.argv[1:]:
        boto3.client("s3", **options).create_bucket(Bucket=bucket)
    print(server.port, *users, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
