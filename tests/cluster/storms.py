"""
A crowd that works at all servers of a fleet while servers come and go, and the proof that nothing was lost: what was
acknowledged happened once, whatever was asked twice, and nothing else did (tests/api/test_kill9.py does this for one
server).
"""

import asyncio
import random
import time

import rules
from box import Box, new_slug, until
from crowds import Spread
from test_kill9 import REPLAYS, Client, Storm

CLIENTS = 24
AFTER = 300  # replies that must come when the trouble is over


class Worker(Client):
    """A buyer who works until he is told to stop. What he has asked again may have been done the first time."""

    async def work(self, done):
        while not done.is_set():
            await self.buyer.rng.choice(self.steps())()

    async def release(self):
        reply = await self.ask(self.buyer.release_request(self.take(self.held)), 204, 409)
        assert reply.status == 204 or reply.json["current"] == "released", reply

    async def drop(self):
        reply = await self.ask(self.buyer.release_request(self.take(self.pending)), 204, 409)
        assert reply.status == 204 or reply.json["current"] == "released", reply


class Storms(Storm):
    """Workers at all servers, on one event of each of the first two servers."""

    def __init__(self, fleet, seed):
        self.fleet, self.server, self.rng = fleet, fleet[0], random.Random(seed)
        self.box = Box(fleet[0])
        self.crowd = Spread(fleet, seed)
        self.long = self.box.event(self.box.venue(rows=20, seats=20), max_tickets_per_session=10000)
        other = Box(fleet[1])
        self.short = other.event(other.venue(rows=10), hold_seconds=1, max_tickets_per_session=10000)
        fleet.settle(self.long, self.short)
        for event in (self.long, self.short):
            self.crowd.event(event)
        self.venue = self.box.venue(rows=20, seats=50)
        self.clients = []
        self.shown = {}
        self.cursor, self.rows = None, []
        self.replies = 0

    @property
    def told(self):
        return self.crowd.told

    def during(self, trouble):
        """Everybody works while trouble() goes on, and for a while after it. trouble() may block: it has a thread."""
        self.began = len(self.crowd.journal)
        self.crowd.run(self.working(trouble))

    async def working(self, trouble):
        crowd, done = self.crowd, asyncio.Event()

        async def count(wire, request, send=crowd.send):
            reply = await send(wire, request)
            self.replies += 1
            if request.event and "change-seq" in reply.headers:
                self.shown[request.event] = max(self.shown.get(request.event, 0), reply.seq)
            return reply

        crowd.send = count
        try:
            for client in self.clients:
                client.buyer.wire = crowd.wires()
            while len(self.clients) < CLIENTS:
                self.clients.append(Worker(await crowd.buyer(), self.long, self.short))
            work = [client.work(done) for client in self.clients] + [self.follow(done), self.organise(done)]
            tasks = [asyncio.create_task(each) for each in work]
            await self.replied(tasks, AFTER)
            await self.unless(tasks, asyncio.create_task(asyncio.to_thread(trouble)))
            await self.replied(tasks, AFTER)
            done.set()
            await asyncio.gather(*tasks)
        finally:
            done.set()
            del crowd.send
            for client in self.clients:
                await client.buyer.wire.close()

    async def unless(self, tasks, wanted):
        """Waits for a task, or raises what one of the workers fails with: none of them ends before it is told to."""
        await asyncio.wait([wanted, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
        return await wanted

    async def replied(self, tasks, count):
        """Waits for so many more replies."""
        end = self.replies + count

        async def enough():
            while self.replies < end:
                await asyncio.sleep(0.005)

        await self.unless(tasks, asyncio.create_task(enough()))

    async def follow(self, done):
        """Reads the change log at any server, one cursor after the other."""
        wires = self.crowd.wires()
        while not done.is_set():
            path = "/v1/cdc/order_queue?limit=1000" + (f"&after={self.cursor}" if self.cursor else "")
            page = (await self.crowd.send(wires, self.crowd.request("get", "GET", path, self.server.api_key))).json
            self.rows += page["rows"]
            self.cursor = page["next_cursor"]
            await asyncio.sleep(0.02)
        await wires.close()

    async def organise(self, done):
        """Makes events, one after the other."""
        wires = self.crowd.wires()
        while not done.is_set():
            body = self.box.event_body(self.venue, slug=new_slug(), published=True)
            await self.crowd.send(wires, self.crowd.request("event", "POST", "/v1/events", self.server.api_key, body=body))
            await asyncio.sleep(2)
        await wires.close()

    def check(self):
        """Everything that was acknowledged is there, once, at every server; and every rule."""
        self.fleet.settle(self.long, self.short)
        for server in self.fleet.running():
            for event_id, seq in self.shown.items():
                reply = server.key.get(f"/v1/events/{event_id}")
                assert reply.seq >= seq, f"event {event_id} is at {reply.seq}; {seq} was shown before"
        assert all(request.replies for request in self.crowd.journal)
        self.crowd.run(self.ask_again())
        self.wait_for_deadlines()
        self.fleet.settle(self.long, self.short)
        for request in self.crowd.journal[self.began :]:
            if request.what == "event":
                for self.server in self.fleet.running():
                    self.check_event_made(request)
        snapshots = self.crowd.check(self.long, self.short)
        with rules.Reader(self.server.url, self.server.api_key) as reader:
            log = rules.LogReader(reader)
            log.catch_up()
        mine = {self.long.id, self.short.id}
        lost = list(rules.log_only_grows([row for row in self.rows if row["event_id"] in mine], log.rows))
        assert not lost, lost
        for event in (self.long, self.short):
            self.check_effects(snapshots[event.id])
        self.go_on_from(snapshots[self.long.id])

    async def ask_again(self):
        """Repeats some of what was acknowledged, at any server: the first answer comes again."""
        kept = [r for r in self.crowd.journal[self.began :] if r.key and r.done]
        wires = self.crowd.wires()
        for request in self.rng.sample(kept, min(REPLAYS, len(kept))):
            first, reply = request.reply, await self.crowd.send(wires, request)
            assert reply.replayed, request
            assert (reply.status, reply.body) == (first.status, first.body), request
            assert reply.headers.get("change-seq") == first.headers.get("change-seq"), request
        await wires.close()

    def wait_for_deadlines(self):
        """Every hold of a second ends by itself, also one whose home died meanwhile."""
        path = f"{self.short.path}/checkouts?status=active"
        key = self.fleet.running()[0].key
        until(lambda: not key.get(path)["checkouts"], "the end of all holds of one second")


def timed(action):
    """How long it took, in seconds: to be told, never judged."""
    begun = time.monotonic()
    action()
    return time.monotonic() - begun
