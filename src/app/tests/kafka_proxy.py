"""A network between Kafka's clients and one broker that can be trusted with nothing but bytes in order: it holds back, drops or cuts off
what a transaction's end depends on. It reads the frames (length, api key, correlation id, client id) and rewrites nothing, so the
broker must advertise the proxy's address.

    proxy = Proxy()                       # listens; proxy.port
    proxy.target = ("127.0.0.1", 20001)   # where the broker really is
    proxy.arm("late")                     # the next EndTxn, TxnOffsetCommit or AddOffsetsToTxn of a client named paywarden...
    proxy.arm_place("late")               # the next OffsetCommit of one
    proxy.cut("paywarden-2")              # all connections of that client
    proxy.done                            # what was done, counted

Any thread. The layouts: https://kafka.apache.org/protocol"""
import asyncio
import collections
import random
import struct
import threading

KEYS = {26: "EndTxn", 28: "TxnOffsetCommit", 25: "AddOffsetsToTxn", 8: "OffsetCommit"}
# Commit and new producer each fail after 10 s, of which the last 5 are a second try; then the client tries for once more.
BLIND_KEYS = {26, 22}  # EndTxn, InitProducerId
BLIND_S = 17
MODES = {
    "hold": "the request reaches the broker seconds later",
    "slow": "the answer reaches the client seconds later",
    "mute": "the answer never comes, the connection stays",
    "blind": "the answer never comes, nor those to further tries and to InitProducerId for a while: what became of the transaction stays open",
    "deaf": "the answer never comes, the connection is cut",
    "lose": "the request never reaches the broker, the connection is cut",
    "late": "the connection is cut, and the request reaches the broker seconds later, when the client has moved on",
}
FRAME_MAX = 256 << 20


async def frame(reader):
    size = await reader.readexactly(4)
    count = struct.unpack(">i", size)[0]
    if not 4 <= count <= FRAME_MAX:
        raise ConnectionError(f"a frame of {count} bytes")
    return size + await reader.readexactly(count)


def api_key(request):
    return struct.unpack_from(">h", request, 4)[0]


def correlation(frame_with_size, at):
    return struct.unpack_from(">i", frame_with_size, at)[0]


def client_id(request):
    size = struct.unpack_from(">h", request, 12)[0] if len(request) >= 14 else -1
    return request[14:14 + max(size, 0)].decode(errors="replace")


class Connection:
    def __init__(self, proxy, client, broker):
        self.proxy, self.client, self.broker = proxy, client, broker
        self.name = ""
        self.answers = {}  # correlation id -> what happens to the answer
        self.lingers = False  # the client is gone, the broker is still to get something

    def cut(self, broker_too=True):
        for _, writer in (self.client, self.broker) if broker_too else (self.client,):
            writer.close()

    async def requests(self):
        while True:
            request = await frame(self.client[0])
            self.name = client_id(request)
            mode = self.proxy.mode_for(self.name, api_key(request))
            wait = self.proxy.seconds()
            if mode == "lose":
                return
            if mode == "late":
                self.lingers = True
                self.client[1].close()
            if mode in ("hold", "late"):
                await asyncio.sleep(wait)
            elif mode:
                self.answers[correlation(request, 8)] = (mode, wait)
            self.broker[1].write(request)
            await self.broker[1].drain()
            if mode == "late":
                await asyncio.sleep(1)  # so that it is read before the connection ends
                return

    async def responses(self):
        while True:
            response = await frame(self.broker[0])
            mode, wait = self.answers.pop(correlation(response, 4), ("", 0))
            if mode == "deaf":
                return
            if mode == "slow":
                await asyncio.sleep(wait)
            if mode not in ("mute", "blind") and not self.lingers:
                self.client[1].write(response)
                await self.client[1].drain()


class Proxy:
    def __init__(self, seed=1, seconds_max=9.0):
        self.target = None
        self.done = collections.Counter()
        self.seconds_max = seconds_max
        self.chance = random.Random(seed)
        self.armed, self.armed_places = collections.deque(), collections.deque()
        self.blind = {}  # client -> until when
        self.connections = set()
        self.loop = asyncio.new_event_loop()
        listening = threading.Event()
        threading.Thread(target=self.run, args=(listening,), daemon=True).start()
        listening.wait()

    def run(self, listening):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0, limit=1 << 20))
        self.port = server.sockets[0].getsockname()[1]
        listening.set()
        self.loop.run_forever()

    def arm(self, mode):
        assert mode in MODES
        self.armed.append(mode)

    def arm_place(self, mode):
        assert mode in MODES and mode != "blind"
        self.armed_places.append(mode)

    def cut(self, name):
        def now():
            for connection in list(self.connections):
                if connection.name == name:
                    self.done["cut"] += 1
                    connection.cut()
        self.loop.call_soon_threadsafe(now)

    def seconds(self):
        return self.chance.uniform(0.5, self.seconds_max)

    def mode_for(self, name, key):
        if key in BLIND_KEYS and self.blind.get(name, 0) > self.loop.time():
            return "mute"
        if not name.startswith("paywarden") or key not in KEYS:
            return ""
        if KEYS[key] == "OffsetCommit":
            return self.take(key, self.armed_places) if self.armed_places else ""
        if not self.armed:
            return ""
        # Where a commit ends matters most.
        if KEYS[key] != "EndTxn" and (self.armed[0] == "blind" or self.chance.random() < 0.8):
            return ""
        mode = self.take(key, self.armed)
        if mode == "blind":
            self.blind[name] = self.loop.time() + BLIND_S
        return mode

    def take(self, key, armed):
        mode = armed.popleft()
        self.done[f"{KEYS[key]} {mode}"] += 1
        return mode

    async def serve(self, reader, writer):
        try:
            broker = await asyncio.open_connection(*self.target, limit=1 << 20)
        except OSError:
            writer.close()
            return
        connection = Connection(self, (reader, writer), broker)
        self.connections.add(connection)
        asks, answers = asyncio.ensure_future(connection.requests()), asyncio.ensure_future(connection.responses())
        try:
            # One side's end is the other's, but for a request that is to come late.
            await asyncio.wait([asks, answers], return_when=asyncio.FIRST_COMPLETED)
            if connection.lingers:
                await asyncio.wait([asks])
        finally:
            for side in (asks, answers):
                side.cancel()
            await asyncio.gather(asks, answers, return_exceptions=True)
            connection.cut()
            self.connections.discard(connection)
