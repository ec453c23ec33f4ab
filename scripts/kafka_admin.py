#!/usr/bin/env python3
"""Asks brokers of Kafka for the few things that scripts/kafka.sh needs, in Kafka's own protocol: a Java program would take a
second to start, this takes 50 ms. BROKERS is HOST:PORT,... without TLS.

  kafka_admin.py ready  BROKERS ID...               waits until each of the brokers sees those brokers serve
  kafka_admin.py topics BROKERS NAME:PARTITIONS[:KEY=VALUE...]...      makes topics, and waits until every broker serves them
  kafka_admin.py allow  BROKERS USER OPERATION KIND NAME     a right, and waits until every broker knows it; NAME * is all of them
  kafka_admin.py deny   BROKERS USER OPERATION KIND NAME     a right taken away: it outdoes what is allowed
  kafka_admin.py hang   BROKER GROUP TRANSACTIONAL_ID PRODUCER_ID EPOCH TOPIC OFFSET    an offset of partition 0 in a transaction
                                                    that the coordinator knows nothing of, and so never ends

OPERATION is read, write, create, describe, ...; KIND is topic, group, cluster (NAME is then kafka-cluster) or transaction.
A broker that does not answer is left out by all but `ready`. The layouts: https://kafka.apache.org/protocol
"""
import socket
import struct
import sys
import time

WAIT_SECONDS_MAX = 60
ANSWER_SECONDS_MAX = 30
# Keys of requests, with the oldest version that Kafka 4 takes and that has no "tagged fields".
METADATA, CREATE_TOPICS, DESCRIBE_ACLS, CREATE_ACLS = (3, 1), (19, 4), (29, 1), (30, 1)
TXN_OFFSET_COMMIT = (28, 2)
KINDS = {"topic": 2, "group": 3, "cluster": 4, "transaction": 5}
OPERATIONS = {
    name: 2 + place
    for place, name in enumerate(
        "all read write create delete alter describe cluster_action describe_configs alter_configs idempotent_write".split()
    )
}
DENY, ALLOW = 2, 3
LITERAL = 3  # a name stands for itself, not for what begins with it


class Refused(Exception):
    """The broker's own word against it."""


def text(value):
    """A string on the wire; None is its null."""
    if value is None:
        return struct.pack(">h", -1)
    return struct.pack(">h", len(value.encode())) + value.encode()


def array(items):
    return struct.pack(">i", len(items)) + b"".join(items)


class Answer:
    """Takes the fields of an answer, one after the other."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, shape):
        value = struct.unpack_from(">" + shape, self.data, self.at)[0]
        self.at += struct.calcsize(">" + shape)
        return value

    def text(self):
        size = max(self.number("h"), 0)
        self.at += size
        return self.data[self.at - size : self.at].decode()

    def array(self, item):
        return [item() for _ in range(self.number("i"))]


def receive(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise ConnectionError("the broker hung up")
        data += part
    return data


def ask(broker, request, body):
    """One request, on a connection of its own."""
    host, port = broker.rsplit(":", 1)
    message = struct.pack(">hhi", *request, 0) + text("kafka_admin") + body
    with socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS_MAX) as connection:
        connection.sendall(struct.pack(">i", len(message)) + message)
        size = struct.unpack(">i", receive(connection, 4))[0]
        answer = Answer(receive(connection, size))
    answer.number("i")  # the correlation id
    return answer


def metadata(broker):
    """The ids of the brokers that serve, and for each topic its partitions that have a leader; as this broker sees it."""
    answer = ask(broker, METADATA, struct.pack(">i", -1))

    def server():
        node = answer.number("i")
        answer.text(), answer.number("i"), answer.text()
        return node

    def partition():
        error = answer.number("h")
        answer.number("i"), answer.number("i")
        answer.array(lambda: answer.number("i")), answer.array(lambda: answer.number("i"))
        return error == 0

    def topic():
        answer.number("h")
        name = answer.text()
        answer.number("b")
        return name, sum(answer.array(partition))

    servers = answer.array(server)
    answer.number("i")
    return set(servers), dict(answer.array(topic))


def wait(what, holds):
    """Until it holds. A broker that starts or stops may hang up on any request."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    why = "no"
    while time.monotonic() < deadline:
        try:
            if holds():
                return
        except OSError as error:
            why = error
        time.sleep(0.02)
    sys.exit(f"paywarden: not within {WAIT_SECONDS_MAX} s: {what} ({why})")


def alive(brokers):
    """Those that answer: a test may have killed or paused some."""
    answering = []
    for broker in brokers:
        host, port = broker.rsplit(":", 1)
        try:
            with socket.create_connection((host, int(port)), timeout=1) as connection:
                message = struct.pack(">hhi", 18, 0, 0) + text("kafka_admin")  # which versions it takes
                connection.sendall(struct.pack(">i", len(message)) + message)
                receive(connection, 4)
            answering.append(broker)
        except OSError:
            pass
    return answering or sys.exit("paywarden: no broker answers at " + ",".join(brokers))


def ready(brokers, ids):
    wanted = {int(id) for id in ids}
    wait(f"each broker sees {' '.join(ids)}", lambda: all(wanted <= metadata(broker)[0] for broker in brokers))


def refuse(answer, what):
    code, message = answer.number("h"), answer.text()
    if code:
        raise Refused(f"{what}: {message or 'error'} (Kafka's code {code})")


def topics(brokers, wanted):
    counts, items = {}, []
    for topic in wanted:
        name, count, *settings = topic.split(":")
        counts[name] = int(count)
        pairs = [text(key) + text(value) for key, value in (setting.split("=", 1) for setting in settings)]
        # As many copies as default.replication.factor says (-1), wherever Kafka likes.
        items.append(text(name) + struct.pack(">ih", counts[name], -1) + array([]) + array(pairs))
    brokers = alive(brokers)
    answer = ask(brokers[0], CREATE_TOPICS, array(items) + struct.pack(">i?", ANSWER_SECONDS_MAX * 1000, False))
    answer.number("i")
    answer.array(lambda: refuse(answer, f"topic {answer.text()}"))

    def served(broker):
        known = metadata(broker)[1]
        return all(known.get(name) == count for name, count in counts.items())

    wait(f"each broker serves {' '.join(counts)}", lambda: all(served(broker) for broker in brokers))


def right(brokers, permission, user, operation, kind, name):
    what = struct.pack(">b", KINDS[kind]) + text(name) + struct.pack(">b", LITERAL) + text("User:" + user) + text("*")
    what += struct.pack(">bb", OPERATIONS[operation], permission)
    brokers = alive(brokers)
    answer = ask(brokers[0], CREATE_ACLS, array([what]))
    answer.number("i")
    answer.array(lambda: refuse(answer, f"{user} {operation} {kind} {name}"))

    def known(broker):
        answer = ask(broker, DESCRIBE_ACLS, what)
        answer.number("i")
        refuse(answer, "rights")
        return answer.number("i") > 0

    wait("each broker knows the right", lambda: all(known(broker) for broker in brokers))


def hang(brokers, group, transactional_id, producer_id, epoch, topic, offset):
    place = struct.pack(">iqi", 0, int(offset), -1) + text(None)
    body = text(transactional_id) + text(group) + struct.pack(">qh", int(producer_id), int(epoch))
    answer = ask(brokers[0], TXN_OFFSET_COMMIT, body + array([text(topic) + array([place])]))
    answer.number("i"), answer.number("i"), answer.text(), answer.number("i"), answer.number("i")
    code = answer.number("h")
    if code:
        raise Refused(f"an offset of {group} (Kafka's code {code})")


def main(command, brokers, *rest):
    brokers = brokers.split(",")
    if command == "ready":
        ready(brokers, rest)
    elif command == "topics":
        topics(brokers, rest)
    elif command == "hang":
        hang(brokers, *rest)
    else:
        right(brokers, {"allow": ALLOW, "deny": DENY}[command], *rest)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (Refused, OSError) as error:
        sys.exit(f"paywarden: {error}")
    except (KeyError, TypeError, ValueError) as error:
        sys.exit(f"paywarden: {error!r}\n{__doc__}")
