"""A crowd: many buyers at once, each with a connection of its own, and a journal of all that was asked and answered.

The client is a small one on asyncio streams: it is quick enough to keep a server busy from one process, and it knows
exactly which requests were sent and never answered. Of the replies it gives some of each kind to the contract
(api/openapi.yaml) to judge.
"""

import asyncio
import collections
import dataclasses
import itertools
import json
import random
import re

import httpx

import rules
from harness import Server

# Part of every name, address and payment reference that the buyers use: it must stand in no log.
SECRET = "quuxberg"
SAMPLES = 3  # replies of a kind that the contract judges
IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


class Lost(Exception):
    """The connection ended before the reply was there: the request may have happened."""


@dataclasses.dataclass
class Reply:
    status: int
    headers: dict  # names in lower case
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def seq(self):
        return int(self.headers["change-seq"])

    @property
    def replayed(self):
        return self.headers.get("idempotent-replayed") == "true"

    @property
    def problem(self):
        return self.json["type"].removeprefix("/problems/") if self.status >= 400 else None


@dataclasses.dataclass
class Request:
    """One request, which can be sent again with the same bytes."""

    what: str  # hold, order, confirm, ...
    method: str
    path: str
    credential: str | None
    event: str | None  # the event that it changes
    body: bytes | None = None
    key: str | None = None  # Idempotency-Key
    replies: list = dataclasses.field(default_factory=list)

    @property
    def reply(self):
        return self.replies[0] if self.replies else None

    @property
    def done(self):
        """It happened, as far as its replies tell."""
        return any(200 <= reply.status < 300 for reply in self.replies)

    def __repr__(self):
        told = [f"{reply.status} {reply.body[:400]!r}" for reply in self.replies]
        return f"{self.method} {self.path} {self.body!r} (key {self.key}) -> {told}"


class Wire:
    """One connection, kept alive."""

    def __init__(self, port):
        self.port, self.reader, self.writer = port, None, None

    async def open(self):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def close(self):
        if self.writer is not None:
            self.writer.close()
            self.writer = None

    async def send(self, request):
        """Sends a request and returns the Reply. Raises Lost when the connection ends first."""
        head = [f"{request.method} {request.path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        if request.credential:
            head.append(f"Authorization: Bearer {request.credential}")
        if request.key:
            head.append(f"Idempotency-Key: {request.key}")
        body = request.body or b""
        if request.body is not None:
            head.append("Content-Type: application/json")
        if request.method != "GET":
            head.append(f"Content-Length: {len(body)}")
        try:
            await self.open()
            self.writer.write(("\r\n".join(head) + "\r\n\r\n").encode("ascii") + body)
            return await self._receive()
        except (OSError, EOFError, asyncio.IncompleteReadError) as error:
            await self.close()
            raise Lost(f"{request.method} {request.path}: {error!r}") from None

    async def _receive(self):
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ", 2)[1])
        fields = (line.partition(":") for line in lines[1:-2])
        headers = {name.strip().lower(): value.strip() for name, _, value in fields}
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = b""
            while size := int(await self.reader.readline(), 16):
                body += await self.reader.readexactly(size)
                await self.reader.readexactly(2)
            await self.reader.readexactly(2)
        else:
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection", "").lower() == "close":
            await self.close()
        return Reply(status, headers, body)


class Crowd:
    """The buyers of one test on one server."""

    def __init__(self, server, seed):
        self.server = server
        self.rng = random.Random(seed)
        self.journal = []  # every Request that was sent
        self.created = {}  # event: the newest change when the crowd came
        self.samples, self.sampled = [], collections.Counter()
        self.numbers = itertools.count(1)
        self.run_id = f"{seed}-{self.rng.getrandbits(64):016x}"

    def event(self, event):
        """Makes known an event (box.Event) that nobody has changed since it was made."""
        self.created[event.id] = int(self.server.key.get(event.path).headers["change-seq"])
        return event

    def run(self, *coroutines):
        """Runs them all at once; the first failure is raised when all have ended."""

        async def together():
            return await asyncio.gather(*coroutines, return_exceptions=True)

        results = asyncio.run(together())
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return results

    async def send(self, wire, request):
        """Sends a request that this crowd made. A server error is a failure, whatever was asked."""
        reply = await wire.send(request)
        request.replies.append(reply)
        kind = (request.method, IDS.sub("{id}", request.path), reply.status, reply.problem)
        self.sampled[kind] += 1
        if self.sampled[kind] <= SAMPLES:
            self.samples.append((request, reply))
        assert reply.status < 500, repr(request)
        return reply

    def request(self, what, method, path, credential, event=None, body=None, key=None):
        if method == "POST" and key is None and what != "session":
            key = f"{self.run_id}-{next(self.numbers)}"
        data = None if body is None else json.dumps(body).encode()
        made = Request(what, method, path, credential, event, data, key)
        if method != "GET":
            self.journal.append(made)
        return made

    async def buyer(self):
        """A new buyer with a session and a connection of its own."""
        wire = await Wire(self.server.port).open()
        reply = await self.send(wire, self.request("session", "POST", "/v1/sessions", None))
        assert reply.status == 201
        return Buyer(self, wire, reply.json)

    def check_contract(self):
        """Lets the contract judge the first replies of every kind."""
        assert self.sampled
        while self.samples:
            request, reply = self.samples.pop()
            headers = httpx.Headers(reply.headers)  # names in any case
            Server.contract.check(request.method, request.path, reply.status, headers, reply.body)

    def known(self, event_id, snapshot):
        """The numbers of the event's changes that somebody was told of, by a reply or by the log."""
        known = set(range(1, self.created[event_id] + 1)) | {row["seq"] for row in snapshot.cdc}
        for request in self.journal:
            if request.event == event_id:
                known |= {reply.seq for reply in request.replies if 200 <= reply.status < 300}
        return known

    def check(self, *events, gaps=True):
        """Every rule on these events, the contract on the samples, and (gaps) no change that nobody knows of."""
        self.check_contract()
        snapshots = rules.check_all(self.server.url, self.server.api_key, [event.id for event in events],
                                    secrets=self.secrets(), texts={"the server's log": self.server.stderr()})
        for event in events if gaps else ():
            snapshot = snapshots[event.id]
            missing = list(rules.changes_without_gaps(snapshot.seq, self.known(event.id, snapshot)))
            assert not missing, f"event {event.id}: {missing}"
            self.check_changes_are_told_once(event.id)
        return snapshots

    def check_changes_are_told_once(self, event_id):
        """No two requests were told the same number of their change (but a confirmation that came twice is)."""
        teller = {}
        for request in self.journal:
            if request.event != event_id or request.what == "confirm-again":
                continue
            for seq in {reply.seq for reply in request.replies if 200 <= reply.status < 300}:
                assert teller.setdefault(seq, request) is request or teller[seq].key == request.key is not None, (
                    f"change {seq} twice: {teller[seq]!r}, {request!r}")

    def secrets(self):
        """What may stand in no log: the marker of all personal data, the API key, and some of the tokens."""
        tokens = [r.reply.json["token"] for r in self.journal if r.what == "session" and r.reply][:5]
        return [SECRET, self.server.api_key, *tokens]

    def person(self):
        number = next(self.numbers)
        return {"name": f"Ida {SECRET.title()} {number}", "email": f"ida.{number}@{SECRET}.example"}

    def reference(self):
        return f"pay-{SECRET}-{next(self.numbers)}"


class Buyer:
    """One session on one connection. Its payments are confirmed and refunded with the API key, on the same one."""

    def __init__(self, crowd, wire, made):
        self.crowd, self.wire = crowd, wire
        self.session_id, self.token = made["session_id"], made["token"]
        self.rng = random.Random(crowd.rng.getrandbits(64))

    def post(self, what, path, event, body=None, key=None, by_key=False):
        credential = self.crowd.server.api_key if by_key else self.token
        return self.crowd.request(what, "POST", path, credential, event, body, key)

    # What can be asked, as requests; a hold, an order: its JSON.

    def hold_request(self, event, key=None, **body):
        return self.post("hold", f"/v1/events/{event.id}/holds", event.id, body, key)

    def extend_request(self, hold):
        return self.post("extend", f"/v1/holds/{hold['hold_id']}/extend", hold["event_id"])

    def release_request(self, hold):
        path = f"/v1/holds/{hold['hold_id']}"
        return self.crowd.request("release", "DELETE", path, self.token, hold["event_id"])

    def order_request(self, hold, key=None):
        body = {"hold_id": hold["hold_id"], "buyer": self.crowd.person()}
        return self.post("order", "/v1/orders", hold["event_id"], body, key)

    def confirm_request(self, order, reference=None, key=None, again=False):
        body = {"payment_reference": reference or self.crowd.reference()}
        path = f"/v1/orders/{order['order_id']}/confirm"
        return self.post("confirm-again" if again else "confirm", path, order["event_id"], body, key, by_key=True)

    def cancel_request(self, order):
        return self.post("cancel", f"/v1/orders/{order['order_id']}/cancel", order["event_id"])

    def refund_request(self, order, release_seats=True, key=None):
        body = {"release_seats": release_seats}
        return self.post("refund", f"/v1/orders/{order['order_id']}/refund", order["event_id"], body, key, by_key=True)

    async def send(self, request):
        return await self.crowd.send(self.wire, request)

    async def get(self, path):
        return await self.send(self.crowd.request("get", "GET", path, self.token))

    # The same, sent.

    async def hold(self, event, **body):
        return await self.send(self.hold_request(event, **body))

    async def extend(self, hold):
        return await self.send(self.extend_request(hold))

    async def release(self, hold):
        return await self.send(self.release_request(hold))

    async def order(self, hold):
        return await self.send(self.order_request(hold))

    async def confirm(self, order, reference=None):
        return await self.send(self.confirm_request(order, reference))

    async def cancel(self, order):
        return await self.send(self.cancel_request(order))

    async def refund(self, order, release_seats=True):
        return await self.send(self.refund_request(order, release_seats))
