"""
A client of the streams (Server-Sent Events, WHATWG HTML 9.2) on plain sockets: it can read, read slowly, not at all, and
vanish. Every message is judged by the contract and by what holds for any stream. And who follows an event with it.
"""

import collections
import dataclasses
import socket
import struct

import httpx

from box import unpack

GUARD = 60  # seconds, for a server that hangs: nothing is judged by it
SMALL = 1024  # bytes of a receive buffer
SMALL_SEGMENT = 536  # the server's send buffer is sized by it
FIELDS = ("event", "id", "data", "retry")
BYTES = {"Accept": "application/octet-stream"}


class Ended(Exception):
    """The server has ended the stream."""


@dataclasses.dataclass(frozen=True)
class Message:
    id: str
    event: str
    text: str  # data as it came
    json: object

    @property
    def seq(self):
        return int(self.id)

    @property
    def changes(self):
        return self.json["changes"]


class Parser:
    """The bytes of a stream, in any pieces -> (id, event, data). Strict: only what the server is known to write."""

    def __init__(self):
        self.rest = b""
        self.block = {}
        self.retry = None
        self.comments = 0
        self.ids = []  # of every block, also of one that dispatches nothing

    def feed(self, data):
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            found = self.line(line.decode("utf-8"))
            if found:
                yield found

    def line(self, line):
        """Takes one line; returns a message where it ends one."""
        if line.startswith(":"):
            self.comments += 1
        elif line:
            name, separator, value = line.partition(": ")
            assert separator and name in FIELDS and name not in self.block, f"a line {line!r} after {self.block}"
            assert "\r" not in value and "\0" not in value, line
            self.block[name] = value
        else:
            block, self.block = self.block, {}
            return self.end(**block)
        return None

    def end(self, id=None, event="message", data=None, retry=None):
        if retry is not None:
            assert self.retry is None and retry.isascii() and retry.isdigit(), retry
            self.retry = int(retry)
        assert self.retry is not None, "a stream begins with its retry"
        if id is not None:
            self.ids.append(id)
        if data is None:
            return None
        assert id is not None, "a message without an id"
        return id, event, data


def connect(port, small=False):
    """A connection; @small: one that takes in little, so that a reader who stops is noticed soon."""
    sock = socket.socket()
    sock.settimeout(GUARD)
    if small:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SMALL_SEGMENT)
    sock.connect(("127.0.0.1", port))
    return sock


class Stream:
    """
    One request for a stream. ask() sends it, open() reads the head of the answer, next() the messages. `with` does the
    first two and closes. What is no stream (a refusal, an answer to HEAD) has `status`, `headers` and `json`.
    """

    def __init__(self, client, path, *, last_id=None, headers=None, small=False, method="GET"):
        self.client, self.path, self.method, self.small = client, path, method, small
        self.asked = {"Host": f"127.0.0.1:{client.server.port}", "Accept": "text/event-stream", **(headers or {})}
        if client.credential is not None:
            self.asked["Authorization"] = f"Bearer {client.credential}"
        if last_id is not None:
            self.asked["Last-Event-ID"] = last_id
        self.parser = Parser()
        self.queue = collections.deque()
        self.count = 0  # messages that came
        self.floor = 0  # ids of an event's stream are above it
        self.body = b""  # of what is no stream
        self.sock = self.status = None

    def ask(self):
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in self.asked.items())]
        self.sock = connect(self.client.server.port, self.small)
        self.sock.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
        return self

    def open(self):
        if self.sock is None:
            self.ask()
        got = b""
        while b"\r\n\r\n" not in got:
            data = self.sock.recv(65536)
            assert data, f"{self.method} {self.path}: the connection ended in the head: {got!r}"
            got += data
        head, _, got = got.partition(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").split("\r\n")
        assert line.startswith("HTTP/1.1 "), line
        self.status = int(line.split(" ")[1])
        self.headers = httpx.Headers([tuple(part.strip() for part in field.split(":", 1)) for field in fields])
        self.json = None
        if self.status == 200 and self.method == "GET":
            self.judge_head(b"")
            self.take(got)
            while self.parser.retry is None or not (self.parser.ids or self.continues):
                self.receive()
        else:
            self.body = got
            while self.method == "GET" and len(self.body) < int(self.headers["content-length"]):
                self.body += self.sock.recv(65536)
            self.json = self.judge_head(self.body)
        return self

    @property
    def continues(self):
        """It goes on from a place that was named: then nothing need come before the first message."""
        return "Last-Event-ID" in self.asked or "?" in self.path or "/cdc/" in self.path

    def judge_head(self, content):
        contract = self.client.server.contract
        return contract.check(self.method, self.path, self.status, self.headers, content)

    def __enter__(self):
        return self if self.status else self.open()

    def __exit__(self, *_):
        self.close()

    def take(self, data):
        for id, event, text in self.parser.feed(data):
            self.count += 1
            message = Message(id, event, text, self.client.server.contract.message(self.path, event, text))
            if "/cdc/" not in self.path:
                self.judge(message)
            self.queue.append(message)

    def judge(self, message):
        """What holds for every message of an event's stream."""
        assert message.id == str(message.json["seq"])
        assert message.event == "reset" or message.seq > self.floor, f"{message} after {self.floor}"
        self.floor = message.seq
        if message.event == "seats":
            seats = [seat for seat, _ in message.changes]
            assert seats == sorted(set(seats)), "each seat once, ascending"

    def receive(self):
        """Waits for some bytes. Raises Ended when there are no more."""
        data = self.sock.recv(1 << 20)
        if not data:
            assert not self.parser.rest and not self.parser.block, "ended in the middle of a message"
            raise Ended
        self.take(data)

    def next(self):
        while not self.queue:
            self.receive()
        return self.queue.popleft()

    def until(self, condition):
        """The messages up to the first that fits."""
        messages = [self.next()]
        while not condition(messages[-1]):
            messages.append(self.next())
        return messages

    def rest(self):
        """The messages until the server ends the stream."""
        try:
            while True:
                self.receive()
        except Ended:
            messages = list(self.queue)
            self.queue.clear()
            return messages

    def wait_for_comment(self):
        before = self.parser.comments
        while self.parser.comments == before:
            self.receive()

    @property
    def last_id(self):
        return self.parser.ids[-1] if self.parser.ids else self.asked.get("Last-Event-ID")

    def close(self):
        self.sock.close()

    def vanish(self):
        """The connection is reset, without a farewell."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def follow(event, client=None, query="", **kwargs):
    """The stream of an event's changes, for `with`."""
    return Stream(client or event.box.public, f"{event.path}/changes{query}", **kwargs)


@dataclasses.dataclass(frozen=True)
class Step:
    """What a follower had after a message."""

    before: int  # its seq until then
    message: Message
    seq: int
    seats: bytes


class Follower:
    """Somebody who reads the availability once and then follows: the status of every seat, at `seq`."""

    def __init__(self, event, client=None):
        self.event, self.client = event, client or event.box.public
        self.steps = []
        self.read()
        self.last_id = str(self.seq)

    def read(self, least=0):
        """The availability, not older than change @least."""
        headers = {**BYTES, "Change-Seq": str(least)}
        reply = self.client.get(f"{self.event.path}/availability", headers=headers)
        self.seq, self.seats = reply.seq, bytearray(unpack(reply.content, self.event.total))
        assert self.seq >= least

    def stream(self, by_query=False, **kwargs):
        """A stream that goes on where this follower is."""
        if by_query:
            return follow(self.event, self.client, f"?since={self.last_id}", **kwargs)
        return follow(self.event, self.client, last_id=self.last_id, **kwargs)

    def apply(self, message):
        before, self.last_id = self.seq, message.id
        if message.event == "reset":
            self.read(message.seq)
        elif message.seq > self.seq:  # older ones after a reset are in what was read
            for seat, status in message.changes if message.event == "seats" else ():
                self.seats[seat] = status
            self.seq = message.seq
        self.steps.append(Step(before, message, self.seq, bytes(self.seats)))
        return message

    def apply_until(self, stream, seq):
        """Applies what comes until change @seq is shown."""
        while self.seq < seq:
            self.apply(stream.next())

    def check(self):
        """It has what a new reader gets."""
        new = Follower(self.event, self.client)
        assert (self.seq, bytes(self.seats)) == (new.seq, bytes(new.seats))
