"""kill -9 in the middle of the rush, again and again: what was acknowledged is there, what was not can be found out.

Each round: clients work on two events and make new ones until a random number of replies has come; the server is killed
and started again on the same folder. Then
  - everything that anybody was told or could read before is there: no event's newest change is older than one that was
    shown, the change log that a reader followed is still there row by row, acknowledged requests are answered the same
    way when they are repeated;
  - requests that were never answered are repeated with their Idempotency-Key. After that the holds, orders, extensions,
    purchases, refunds, releases and events that the server knows are exactly those that were acknowledged: each
    happened once or not at all;
  - holds whose time ran out while the server was down expire;
  - every rule of rules.py holds, and nobody's change is missing.
"""

import asyncio
import collections
import json
import random
import time

import pytest

import rules
from box import Box, new_slug, until
from buyers import Crowd, Lost, Wire
from harness import SCALE

pytestmark = pytest.mark.timeout(300)  # against hanging

ROUNDS = max(4, round(20 * SCALE))
CLIENTS = 32
REPLAYS = 40  # acknowledged requests that are repeated after each round
NEW_EVENTS = 2  # at most, in a round


class Client:
    """A buyer who does one thing after another until the server is gone. What he holds and owns he goes on with later."""

    def __init__(self, buyer, long, short):
        self.buyer, self.long, self.short = buyer, long, short
        self.forget()

    def forget(self):
        self.held, self.pending, self.paid = [], [], []

    async def work(self):
        while True:
            step = self.buyer.rng.choice(self.steps())
            await step()

    def steps(self):
        """What he may do next."""
        steps = [self.hold_short] + [self.hold] * 3 * (len(self.held) + len(self.pending) < 4)
        steps += [self.extend, self.extend, self.release, self.order, self.order, self.order] * bool(self.held)
        steps += [self.cancel, self.drop, self.confirm, self.confirm, self.confirm] * bool(self.pending)
        return steps + [self.refund] * (len(self.paid) > 2)

    def seats(self, event):
        count = self.buyer.rng.randint(1, 3)
        first = self.buyer.rng.randrange(event.total - count + 1)
        return list(range(first, first + count))

    async def ask(self, request, *statuses):
        reply = await self.buyer.send(request)
        assert reply.status in statuses, request
        return reply

    def take(self, entries):
        return entries.pop(self.buyer.rng.randrange(len(entries)))

    async def hold(self):
        reply = await self.ask(self.buyer.hold_request(self.long, seat_indexes=self.seats(self.long)), 201, 409)
        if reply.status == 201:
            self.held.append(reply.json)

    async def extend(self):
        await self.ask(self.buyer.extend_request(self.buyer.rng.choice(self.held)), 200)

    async def release(self):
        await self.ask(self.buyer.release_request(self.take(self.held)), 204)

    async def order(self):
        reply = await self.ask(self.buyer.order_request(self.take(self.held)), 201)
        self.pending.append(reply.json)

    async def cancel(self):
        await self.ask(self.buyer.cancel_request(self.take(self.pending)), 200)

    async def drop(self):
        await self.ask(self.buyer.release_request(self.take(self.pending)), 204)

    async def confirm(self):
        reply = await self.ask(self.buyer.confirm_request(self.take(self.pending)), 200)
        self.paid.append(reply.json)

    async def refund(self):
        await self.ask(self.buyer.refund_request(self.take(self.paid)), 200)

    async def hold_short(self):
        """A checkout of one second: bought at once, or left to its deadline, which may come when the server is down."""
        request = self.buyer.hold_request(self.short, seat_indexes=[self.buyer.rng.randrange(self.short.total)])
        reply = await self.ask(request, 201, 409)
        if reply.status == 201 and self.buyer.rng.random() < 0.5:
            reply = await self.ask(self.buyer.order_request(reply.json), 201, 409)
            if reply.status == 201 and self.buyer.rng.random() < 0.7:
                reply = await self.ask(self.buyer.confirm_request(reply.json), 200, 409)
                if reply.status == 200:
                    await self.ask(self.buyer.refund_request(reply.json), 200)


class Storm:
    """The clients, what they were told, and what a reader saw, over all rounds."""

    def __init__(self, server):
        self.server, self.box, self.rng = server, Box(server), random.Random(9)
        self.crowd = Crowd(server, "kill9")
        self.long = self.crowd.event(self.box.event(self.box.venue(rows=20, seats=20), max_tickets_per_session=10000))
        second = self.box.event(self.box.venue(rows=10), hold_seconds=1, max_tickets_per_session=10000)
        self.short = self.crowd.event(second)
        self.venue = self.box.venue(rows=20, seats=50)
        self.clients = []
        self.shown = collections.Counter()  # event: the newest change that a reply showed
        self.cursor, self.rows = None, []  # of the change log, as the reader followed it
        self.told = collections.Counter()

    async def rush(self, replies):
        """Everybody works until that many replies have come; then the server is killed."""
        crowd = self.crowd
        enough = asyncio.Event()
        left = replies

        async def count(wire, request, send=crowd.send):
            nonlocal left
            reply = await send(wire, request)
            left -= 1
            if left <= 0:
                enough.set()
            if request.event and "change-seq" in reply.headers:
                self.shown[request.event] = max(self.shown[request.event], reply.seq)
            return reply

        crowd.send = count
        try:
            for client in self.clients:
                client.buyer.wire = Wire(self.server.port)
            while len(self.clients) < CLIENTS:
                self.clients.append(Client(await crowd.buyer(), self.long, self.short))
            work = [client.work() for client in self.clients] + [self.follow(), self.watch(self.long), self.organise()]
            tasks = [asyncio.create_task(each) for each in work]
            stop = asyncio.create_task(enough.wait())
            # A task that ends before the kill has failed.
            await asyncio.wait([stop, *tasks], return_when=asyncio.FIRST_COMPLETED)
            self.server.check_alive()
            self.server.kill()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if not isinstance(result, Lost):
                    raise result or AssertionError("a task ended by itself")
        finally:
            del crowd.send
            for client in self.clients:
                await client.buyer.wire.close()

    async def follow(self):
        """Reads the change log all the time: what it shows must never go."""
        wire = Wire(self.server.port)
        while True:
            path = "/v1/cdc/order_queue?limit=1000" + (f"&after={self.cursor}" if self.cursor else "")
            page = (await self.crowd.send(wire, self.crowd.request("get", "GET", path, self.server.api_key))).json
            self.rows += page["rows"]
            self.cursor = page["next_cursor"]

    async def watch(self, event):
        wire = Wire(self.server.port)
        while True:
            path = f"/v1/events/{event.id}/availability"
            await self.crowd.send(wire, self.crowd.request("get", "GET", path, None, event.id))

    async def organise(self):
        """Makes a few events, all of whose tickets must be there or none."""
        wire = Wire(self.server.port)
        for _ in range(self.rng.randint(1, NEW_EVENTS)):
            body = self.box.event_body(self.venue, slug=new_slug(), published=True)
            await self.crowd.send(wire, self.crowd.request(
                "event", "POST", "/v1/events", self.server.api_key, body=body))
        await self.watch(self.short)

    async def ask_again(self, began):
        """Repeats what was never answered, and some of what was."""
        lost = [r for r in self.crowd.journal[began:] if not r.replies]
        kept = [r for r in self.crowd.journal[began:] if r.key and r.done]
        kept = self.rng.sample(kept, min(REPLAYS, len(kept)))
        self.told["unanswered"] += len(lost)

        async def again(request):
            wire = Wire(self.server.port)
            reply = await self.crowd.send(wire, request)
            await wire.close()
            self.told["unanswered, done"] += reply.replayed
            if request.what == "release" and reply.status == 409:
                assert reply.json["current"] in ("released", "expired"), request
            elif request.what not in ("hold", "session") and request.event != self.short.id:
                # On its own things of the event of long holds nobody was refused, so nobody is now.
                assert reply.status in (200, 201, 204), request

        async def replay(request):
            wire = Wire(self.server.port)
            first, reply = request.reply, await self.crowd.send(wire, request)
            await wire.close()
            assert reply.replayed, request
            assert (reply.status, reply.body) == (first.status, first.body), request
            assert reply.headers.get("change-seq") == first.headers.get("change-seq"), request

        await asyncio.gather(*(again(request) for request in lost), *(replay(request) for request in kept))

    # ---- after a restart ----

    def check(self, began, short):
        """Everything; of the event of short holds only where asked for, because all of them must end before."""
        for event_id, seq in self.shown.items():
            reply = self.server.key.get(f"/v1/events/{event_id}")
            assert reply.seq >= seq, f"event {event_id} is at {reply.seq}; {seq} was shown before"
        self.crowd.run(self.ask_again(began))
        if short:
            self.wait_for_deadlines()
        for request in self.crowd.journal[began:]:
            if request.what == "event":
                self.check_event_made(request)
        events = (self.long, self.short) if short else (self.long,)
        snapshots = self.crowd.check(*events)
        with rules.Reader(self.server.url, self.server.api_key) as reader:
            log = rules.LogReader(reader)
            log.catch_up()
        lost = list(rules.log_only_grows(self.rows, log.rows))
        assert not lost, lost
        for event in events:
            self.check_effects(snapshots[event.id])
        self.go_on_from(snapshots[self.long.id])

    def wait_for_deadlines(self):
        """Every hold of a second ends by itself, also one whose time ran out when there was no server."""
        path = f"{self.short.path}/checkouts?status=active"
        until(lambda: not self.server.key.get(path)["checkouts"], "the end of all holds of one second")

    def check_event_made(self, request):
        """One event, whole, whichever of the requests for it was answered."""
        made = request.replies[-1].json
        assert request.replies[-1].status == 201, request
        assert made["tickets_created"] == 1000
        found = self.server.key.get("/v1/events", params={"slug": made["slug"]})["events"]
        assert [event["event_id"] for event in found] == [made["event_id"]]
        counts = {"total": 1000, "available": 1000, "held": 0, "sold": 0, "blocked": 0}
        assert found[0]["counts"] == counts
        with rules.Reader(self.server.url, self.server.api_key) as reader:
            tickets, _ = reader.pages(f"/v1/events/{made['event_id']}/tickets", "tickets")
        assert [ticket["seat_index"] for ticket in tickets] == list(range(1000))

    def acknowledged(self, what, event_id):
        """The requests of a kind that were done, in the order in which they were sent."""
        return [r for r in self.crowd.journal if r.what == what and r.event == event_id and r.done]

    def answer(self, request):
        return next(reply for reply in request.replies if 200 <= reply.status < 300)

    def check_effects(self, snapshot):
        """What the server knows of an event is what was acknowledged: nothing missing, nothing twice, nothing else."""
        event_id = snapshot.event_id
        holds = {r["hold_id"]: r for r in (self.answer(q).json for q in self.acknowledged("hold", event_id))}
        orders = {r["order_id"]: r for r in (self.answer(q).json for q in self.acknowledged("order", event_id))}
        checkouts = {c["hold_id"]: c for c in snapshot.checkouts}
        assert set(checkouts) == set(holds)
        assert {o["order_id"]: o["hold_id"] for o in snapshot.orders} == {i: o["hold_id"] for i, o in orders.items()}
        paid = {self.answer(q).json["order_id"]: json.loads(q.body)["payment_reference"]
                for q in self.acknowledged("confirm", event_id)}
        known = {o["order_id"]: o["payment_reference"] for o in snapshot.orders if o["status"] in ("paid", "refunded")}
        assert known == paid
        refunded = {self.answer(q).json["order_id"] for q in self.acknowledged("refund", event_id)}
        assert {o["order_id"] for o in snapshot.orders if o["status"] == "refunded"} == refunded
        cancelled = {self.answer(q).json["hold_id"] for q in self.acknowledged("cancel", event_id)}
        assert {i for i, c in checkouts.items() if c["outcome"] == "cancelled"} == cancelled
        asked = [q for q in self.crowd.journal if q.what == "release" and q.event == event_id]
        released = {q.path.rsplit("/", 1)[1] for q in asked if q.done or q.replies[-1].json["current"] == "released"}
        assert {i for i, c in checkouts.items() if c["outcome"] == "released"} == released
        extended = collections.defaultdict(list)
        for q in self.acknowledged("extend", event_id):
            extended[self.answer(q).json["hold_id"]].append(self.answer(q).json)
        updates = collections.Counter(
            row["hold_id"] for row in snapshot.cdc if row["cdc$operation"] == rules.UPDATE and row["cdc$end_of_batch"])
        assert updates == {hold_id: len(replies) for hold_id, replies in extended.items()}
        for hold_id, hold in holds.items():
            checkout = checkouts[hold_id]
            last = max([hold, *extended[hold_id]], key=lambda h: h["expires_at"])
            assert checkout["expires_at"] == last["expires_at"]
            for member in ("session_id", "started_at", "total_price"):
                assert checkout[member] == hold[member]
            assert checkout["ticket_ids"] == [line["ticket_id"] for line in hold["tickets"]]
            if checkout["status"] in ("active", "expired"):
                expired = checkout["status"] == "expired"
                assert expired == (event_id == self.short.id), f"hold {hold_id} is {checkout['status']}"
        lines = {o["order_id"]: (o["code"], o["buyer"], o["tickets"], o["total_price"]) for o in snapshot.orders}
        assert lines == {i: (o["code"], o["buyer"], o["tickets"], o["total_price"]) for i, o in orders.items()}

    def go_on_from(self, snapshot):
        """What each client holds and owns, as the server has it: a round goes on with what earlier ones began."""
        clients = {client.buyer.session_id: client for client in self.clients}
        for client in self.clients:
            client.forget()
        for hold in snapshot.holds:
            if hold["status"] == "active" and hold["order_id"] is None:
                clients[hold["session_id"]].held.append(hold)
        for order in snapshot.orders:
            if order["status"] in ("pending", "paid"):
                client = clients[order["session_id"]]
                (client.pending if order["status"] == "pending" else client.paid).append(order)


def test_kill9(new_server, record_property):
    server = new_server()
    storm = Storm(server)
    for number in range(ROUNDS):
        began = len(storm.crowd.journal)
        replies = storm.rng.randint(50, 4000)
        storm.crowd.run(storm.rush(replies))
        pause = number % 4 == 1 or number == ROUNDS - 1
        if pause:  # every hold of a second runs out while there is no server
            time.sleep(1)
        server.start()
        if number % 5 == 2:  # once more, before it has done anything
            server.kill()
            server.start()
        try:
            storm.check(began, pause)
        except AssertionError as error:
            raise AssertionError(f"round {number + 1} of {ROUNDS}, killed after {replies} replies") from error
    rules.check_all(server.url, server.api_key, secrets=storm.crowd.secrets(), texts={"log": server.stderr()})
    server.restart()
    rules.check_all(server.url, server.api_key)
    storm.told["acknowledged"] = sum(request.done for request in storm.crowd.journal)
    for name, count in storm.told.items():
        record_property(name, count)
    print(dict(storm.told))
    assert storm.told["unanswered"] > 0
