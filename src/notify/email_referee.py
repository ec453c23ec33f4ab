"""A real SMTP server (aiosmtpd) for tests, with STARTTLS, implicit TLS and a login; Python's own e-mail parser reads
what arrives, as the referee of ours.

    python email_referee.py FOLDER      # makes FOLDER/cert.pem, prints "STARTTLS_PORT TLS_PORT", appends one JSON line
                                        # a message to FOLDER/messages.ndjson, ends when its input closes
"""
import asyncio
import email
import email.policy
import json
import ssl
import subprocess
import sys

from aiosmtpd.smtp import SMTP, AuthResult

folder = sys.argv[1]
certificate, key = folder + "/cert.pem", folder + "/key.pem"
subprocess.run(
    ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
     "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
    check=True, stderr=subprocess.DEVNULL)


class Keep:
    def __init__(self, tls_from_the_start):
        self.tls_from_the_start = tls_from_the_start

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        kept = {
            "from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": self.tls_from_the_start or session.ssl is not None,
            "login": bool(session.authenticated), "headers": sorted(message.keys()), "subject": message["Subject"],
            "id": message["Message-ID"], "date": str(message["Date"].datetime), "defects": [str(d) for d in message.defects],
            "text": message.get_body(("plain",)).get_content(), "html": message.get_body(("html",)).get_content(),
        }
        with open(folder + "/messages.ndjson", "a") as out:
            out.write(json.dumps(kept, ensure_ascii=False) + "\n")
        return "250 kept"


def check_login(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"paywarden", b"geheim"))


async def serve(tls_from_the_start):
    loop = asyncio.get_running_loop()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    options = {"authenticator": check_login, "auth_required": True, "hostname": "test"}
    if tls_from_the_start:
        make = lambda: SMTP(Keep(True), auth_require_tls=False, **options)
    else:
        make = lambda: SMTP(Keep(False), tls_context=tls, require_starttls=True, **options)
    server = await loop.create_server(make, "127.0.0.1", 0, ssl=tls if tls_from_the_start else None)
    return server.sockets[0].getsockname()[1]


async def main():
    print(await serve(False), await serve(True), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
