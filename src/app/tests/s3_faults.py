"""A way to an S3 server that a client can trust with nothing: a share of its requests is refused, lost, held back or answered by halves.
It rewrites nothing of a request, as the header Host is signed too, and asks the server each time on a connection of its own.

    proxy = Proxy(server_port, share=0.3, seed=1)    # listens; proxy.port
    proxy.release()      # those that hang now, are cut
    proxy.end()          # from now on nothing is disturbed, and nothing hangs any more
    proxy.done           # what was done until then, counted

Any thread. Half an upload never reaches the server: moto would keep it, which a store that checks x-amz-content-sha256 does not."""
import asyncio
import collections
import itertools
import random
import threading

MODES = {  # and how many of each a deck holds
    "refuse": 5,  # "503 SlowDown", and the server never sees the request
    "regret": 3,  # "503 SlowDown", and the server has done it
    "storm": 2,  # the same as refuse, and so is every request of the next seconds
    "cut": 4,  # the answer ends in the middle of its body, or of its head where it has no body
    "deaf": 3,  # the server has done it, the connection is cut without an answer
    "lose": 2,  # the request never reaches the server, the connection is cut
    "late": 2,  # the connection is cut, and the request reaches the server seconds later, when the client has moved on
}
HANGS = (
    "mute",  # the server has done it, no answer comes, the connection stays
    "stuck",  # the server never sees it, no answer comes, the connection stays
)
CLIENT_PATIENCE_S = 30  # src/objects/http_caller.h: stall
HANG_S = CLIENT_PATIENCE_S + 10  # libcurl looks at a mean over some seconds: an upload of 100 KB is given up after 36
# One of either hangs at a time, and not at once again: it takes its client out of the test.
HANG_PAUSE_S = 5
HEAD_MAX = 64 << 10
BODY = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"""
SLOW_DOWN = b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


def field(head, name):
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return b""


async def chunks(reader):
    while True:
        size = await reader.readline()
        yield size + await reader.readexactly(int(size, 16) + 2)
        if int(size, 16) == 0:
            return


async def message(reader, has_body=lambda head: True):
    """(head, body) of a request or an answer, as they came."""
    head = await reader.readuntil(b"\r\n\r\n")
    if not has_body(head):
        return head, b""
    if field(head, b"transfer-encoding").lower() == b"chunked":
        return head, b"".join([chunk async for chunk in chunks(reader)])
    return head, await reader.readexactly(int(field(head, b"content-length") or 0))


def is_upload(request):
    return request[0].startswith(b"PUT ")


def half(head, body):
    return head + body[:len(body) // 2] if body else head[:len(head) // 2]


class Proxy:
    def __init__(self, server_port, share, seed=1):
        self.server_port, self.share = server_port, share
        self.done = collections.Counter()
        self.chance = random.Random(seed)
        self.deck = []
        self.hangs = itertools.cycle(HANGS)
        self.hang_from, self.storm_until = {True: 0, False: 0}, 0  # by the loop's clock; of uploads, and of the rest
        self.later = set()  # tasks of requests that come late
        self.loop = asyncio.new_event_loop()
        listening = threading.Event()
        threading.Thread(target=self.run, args=(listening,), daemon=True).start()
        listening.wait()

    def run(self, listening):
        asyncio.set_event_loop(self.loop)
        self.released = asyncio.Event()
        server = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0, limit=HEAD_MAX))
        self.port = server.sockets[0].getsockname()[1]
        listening.set()
        self.loop.run_forever()

    def release(self):
        def now():
            self.released.set()
            self.released = asyncio.Event()
        self.loop.call_soon_threadsafe(now)

    def end(self):
        self.share = 0
        self.release()

    def mode(self, request):
        if self.share == 0:
            return ""
        self.done["requests"] += 1
        if self.loop.time() < self.storm_until:
            self.done["in storms"] += 1
            return "refuse"
        if self.chance.random() >= self.share:
            return ""
        mode = next(self.hangs) if self.loop.time() >= self.hang_from[is_upload(request)] else self.take()
        if mode == "storm":
            self.storm_until = self.loop.time() + self.chance.uniform(1.5, 3)
        self.done[mode] += 1
        return mode

    def take(self):
        """From a shuffled deck, so that each comes soon."""
        if not self.deck:
            self.deck = [mode for mode, times in MODES.items() for _ in range(times)]
            self.chance.shuffle(self.deck)
        return self.deck.pop()

    async def serve(self, reader, writer):
        goes_on = True
        try:
            while goes_on:
                request = await message(reader)
                answer, goes_on = await self.answer(self.mode(request), request, reader)
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has gone, or the server at the end
        finally:
            writer.close()

    async def answer(self, mode, request, reader):
        """What the client gets, and whether its connection stays."""
        if mode in ("refuse", "storm"):
            return SLOW_DOWN, True
        if mode == "lose":
            return b"", False
        if mode == "late":
            self.come_late(request)
            return b"", False
        if mode == "stuck":
            await self.hang(request, reader)
            return b"", False
        head, body = await self.ask(request)
        if mode == "mute":
            await self.hang(request, reader)
        if mode in ("mute", "deaf"):
            return b"", False
        if mode == "regret":
            return SLOW_DOWN, True
        return (half(head, body), False) if mode == "cut" else (head + body, True)

    async def ask(self, request):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server_port, limit=HEAD_MAX)
        try:
            writer.write(request[0] + request[1])
            await writer.drain()
            head_asked = request[0].startswith(b"HEAD ")
            return await message(reader, lambda head: not head_asked and head.split(b" ", 2)[1] not in (b"204", b"304"))
        finally:
            writer.close()

    def come_late(self, request):
        async def ask():
            await asyncio.sleep(self.chance.uniform(0.5, 4))
            await self.ask(request)
        task = self.loop.create_task(ask())
        self.later.add(task)
        task.add_done_callback(self.later.discard)

    async def hang(self, request, reader):
        """Until the client gives up or is killed."""
        begun = self.loop.time()
        self.hang_from[is_upload(request)] = begun + HANG_S + HANG_PAUSE_S
        gone, released = (asyncio.ensure_future(wait) for wait in (reader.read(1), self.released.wait()))
        await asyncio.wait([gone, released], timeout=HANG_S, return_when=asyncio.FIRST_COMPLETED)
        self.done["timed out"] += gone.done() and self.loop.time() - begun > CLIENT_PATIENCE_S - 2
        for wait in (gone, released):
            wait.cancel()
        self.hang_from[is_upload(request)] = self.loop.time() + HANG_PAUSE_S
