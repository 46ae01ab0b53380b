"""A crowd whose buyers are at several servers at once, and what must hold when it has gone."""

import asyncio
import collections
import random
import subprocess
import time
import types
import uuid

import rules
from box import new_id, until
from buyers import Buyer, Crowd, Lost, Wire
from harness import binary, clean_env
from tables import Tables

GUARD = 60  # seconds until a server is said to hang
PAUSE = 0.02  # before a request is sent again
# Of an answer, what a client may rely on. (now is the clock's, ttl what is left of a time.)
PASSING = ("now", "ttl")


class Wires:
    """
    A buyer's connections to the servers of a fleet. Each request goes to one of them at random. One that was certainly
    not done (503), or that was never answered, is sent again, with its key, to any of them: so does a client that
    means it.
    """

    def __init__(self, fleet, rng, told):
        self.fleet, self.rng, self.told = fleet, rng, told
        self.wires = {}

    async def open(self):
        return self

    async def close(self):
        for wire in self.wires.values():
            await wire.close()

    async def wire(self):
        server = self.rng.choice(self.fleet.running())
        wire = self.wires.get(server)
        if wire is None or wire.port != server.port:  # it has started anew
            if wire is not None:
                await wire.close()
            wire = self.wires[server] = Wire(server.port)
        return wire

    async def send(self, request):
        end = time.monotonic() + GUARD
        while True:
            wire = await self.wire()
            try:
                await wire.open()
                reply = await wire.send(request)
                if reply.status != 503:
                    return reply
                assert "retry-after" in reply.headers, reply
                self.told["503"] += 1
            except OSError:
                self.told["nobody there"] += 1
            except Lost:
                self.told["lost"] += 1
            assert time.monotonic() < end, f"no answer: {request}"
            self.told["again"] += 1
            await asyncio.sleep(PAUSE)


class Spread(Crowd):
    """Buyers at all servers of a fleet."""

    def __init__(self, fleet, seed):
        super().__init__(fleet[0], seed)
        self.run_id = new_id()  # of its keys: a keyspace may outlive a test
        self.fleet = fleet
        self.told = collections.Counter()  # what went wrong on the way

    def wires(self):
        return Wires(self.fleet, random.Random(self.rng.getrandbits(64)), self.told)

    async def buyer(self):
        wires = self.wires()
        reply = await self.send(wires, self.request("session", "POST", "/v1/sessions", None))
        assert reply.status == 201
        return Buyer(self, wires, reply.json)

    def at(self, server):
        """The same crowd as its readers want it: at one server."""
        return types.SimpleNamespace(server=server, send=self.send, request=self.request)

    def check(self, *events, gaps=True):
        """All rules at every server; they show the same; and the tables say so, too."""
        check_everywhere(self.fleet, *events, secrets=self.secrets())
        self.check_contract()
        snapshots = super().check(*events, gaps=gaps)
        verify(self.fleet)
        return snapshots


def lasting(value):
    """A reply without what the clock changes."""
    if isinstance(value, dict):
        return {name: lasting(entry) for name, entry in value.items() if name not in PASSING}
    if isinstance(value, list):
        return [lasting(entry) for entry in value]
    return value


def whole_log(server, tables, events):
    """Wait until the server shows every row that the tables have of these events: it does so a moment after the last."""
    ids = {event.id for event in events}
    statement = 'SELECT count(*) AS n FROM {}order_queue_scylla_cdc_log WHERE "cdc$stream_id" = %s'

    def complete():
        with rules.Reader(server.url, server.api_key) as reader:
            log = rules.LogReader(reader)
            log.catch_up()
        stored = sum(tables.execute(statement, uuid.UUID(event.id).bytes)[0]["n"] for event in events)
        return sum(len(log.by_event[event_id]) for event_id in ids) == stored

    until(complete, "the whole change log", pause=0.05)


def check_everywhere(fleet, *events, secrets=()):
    """Every rule of selling as each server shows the events; all show the same; the tables keep their own rules."""
    tables = Tables(fleet.keyspace)
    fleet.settle(*events)
    shown = []
    for server in fleet.running():
        whole_log(server, tables, events)
        snapshots = rules.check_all(server.url, server.api_key, [event.id for event in events],
                                    secrets=secrets, texts={"the log": server.stderr()})
        shown.append({event_id: lasting(vars(snapshot)) for event_id, snapshot in snapshots.items()})
    for other in shown[1:]:
        for event in events:
            for name, value in shown[0][event.id].items():
                if name == "delta":
                    continue  # how far it goes back depends on when a server began
                assert other[event.id][name] == value, f"{name} of event {event.id} is not the same everywhere"
    for event in events:
        tables.check(event.id)


def verify(fleet):
    """`boxoffice verify` finds nothing wrong in the keyspace."""
    command = [str(binary()), "verify", "--store", fleet.store]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=clean_env(), check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout[-4000:]}"
    return done.stdout
