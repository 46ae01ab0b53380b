"""
Nodes that freeze and die while buyers are at two servers. Whatever happens to the nodes, a buyer is told the truth or 503, what
was acknowledged is there afterwards, once, and the sale goes on by itself.

What it costs is printed, and stands in docs/cluster.md; only what is right is judged.
"""

import time

import pytest
import servers
from box import until
from conftest import Heard
from fleet import Fleet
from storms import Storms

pytestmark = [pytest.mark.three, pytest.mark.timeout(600)]  # against hanging

MEANWHILE = 200  # replies while something is wrong
SERVE = ["--server-lease-ms", "5000"]  # servers are to stay where they are
OUTAGE = 10  # seconds without a quorum


class Watched(Storms):
    """A storm that knows when each of its writes was sent, and when it was answered for good."""

    def __init__(self, fleet, seed):
        super().__init__(fleet, seed)
        self.writes = []  # (sent, answered)

    def during(self, trouble):
        self.writes.clear()
        self.told.clear()
        crowd, send = self.crowd, self.crowd.send

        async def watch(wire, request):
            sent = time.monotonic()
            reply = await send(wire, request)
            if request.method != "GET":
                self.writes.append((sent, time.monotonic()))
            return reply

        crowd.send = watch
        super().during(trouble)

    def more(self, count=MEANWHILE):
        """Wait for so many more replies."""
        end = self.replies + count
        until(lambda: self.replies >= end, "more replies")

    def cost(self):
        """What the trouble was for buyers."""
        answered = sorted(write[1] for write in self.writes)
        pause = max(after - before for before, after in zip(answered, answered[1:], strict=False))
        slowest = max(write[1] - write[0] for write in self.writes)
        return f"{len(answered)} writes, slowest {slowest:.2f} s, longest pause {pause:.2f} s, {dict(self.told)}"


@pytest.fixture(scope="module")
def two_servers(tmp_path_factory):
    made = Fleet(tmp_path_factory.mktemp("nodes"))
    made.start(2, args=SERVE)
    yield made
    made.end()


@pytest.fixture(scope="module")
def watched(two_servers):
    return Watched(two_servers, "nodes")


@pytest.fixture
def storm(watched, nodes, request):
    """The same for all tests of this file: each goes on with what is there."""
    servers.RUNNING.append(Heard(watched.fleet))
    yield watched
    servers.RUNNING.pop()
    nodes.mend()
    if watched.writes:
        print(f"\n{request.node.name}: {watched.cost()}")


@pytest.fixture
def coordinator(storm, nodes):
    """The node that all LWTs of the long event go to."""
    return nodes.coordinator(storm.fleet.keyspace, storm.long.id)


@pytest.mark.long
def test_a_replica_freezes(storm, nodes, coordinator):
    """One that coordinates neither event: nobody is told anything but that it is done."""
    other = nodes.coordinator(storm.fleet.keyspace, storm.short.id)
    node = next(node for node in (1, 2, 3) if node not in (coordinator, other))

    def trouble():
        nodes.freeze(node)
        storm.more()
        nodes.thaw(node)

    storm.during(trouble)
    storm.check()


def reissued(storm):
    """How many batches were sent again because nobody knew what had become of them."""
    return sum(server.metric("cql_commit_reissues_total") for server in storm.fleet)


def test_the_coordinator_freezes(storm, nodes, coordinator):
    """What it had under way is in doubt, and is settled through another node."""

    def trouble():
        before = reissued(storm)
        nodes.freeze(coordinator)
        until(lambda: reissued(storm) > before, "a batch in doubt")
        storm.more()
        nodes.thaw(coordinator)

    storm.during(trouble)
    storm.check()


@pytest.mark.long
def test_the_coordinator_freezes_and_dies(storm, nodes, coordinator):
    """It comes back with its data, and has missed some."""

    def trouble():
        nodes.freeze(coordinator)
        storm.more()
        nodes.kill(coordinator)
        storm.more()
        nodes.restart(coordinator)
        storm.more()

    storm.during(trouble)
    storm.check()


def shown_from_memory(storm):
    """Both servers show their events, whatever the nodes do."""
    for server in storm.fleet:
        for event in (storm.long, storm.short):
            server.public.get(f"{event.path}/availability")
            server.public.get(f"{event.path}/seatmap")
        server.public.get("/v1/events")
        server.public.get("/healthz")


def first_success(storm, since):
    """How long until a write was done that nobody could do before."""
    until(lambda: any(answered > since for _, answered in storm.writes), "a write")
    return min(answered for _, answered in storm.writes if answered > since) - since


def test_two_of_three_freeze(storm, nodes, coordinator):
    """No quorum: 503, some of them with an outcome that nobody knows; reads go on; so does the sale, by itself."""

    def trouble():
        frozen = [coordinator, coordinator % 3 + 1]
        began = time.monotonic()
        for node in frozen:
            nodes.freeze(node)
        until(lambda: storm.told["503"], "a refusal")
        shown_from_memory(storm)
        until(lambda: time.monotonic() - began > OUTAGE, "the end of the outage")
        shown_from_memory(storm)
        refused = storm.told["503"]
        until(lambda: storm.told["503"] > refused, "one more refusal")
        for node in frozen:
            nodes.thaw(node)
        print(f"\ntwo of three frozen for {OUTAGE} s: {first_success(storm, time.monotonic()):.2f} s until the first success")

    storm.during(trouble)
    storm.check()


@pytest.mark.long
def test_no_node_answers(storm, nodes):
    """Readiness says so; what is shown from memory is shown; when they are back, all is well by itself."""

    def ready(status):
        return all(server.public.request("GET", "/readyz").status == status for server in storm.fleet)

    def trouble():
        for node in (1, 2, 3):
            nodes.freeze(node)
        until(lambda: ready(503), "readiness that says no")
        shown_from_memory(storm)
        for node in (1, 2, 3):
            nodes.thaw(node)
        print(f"\nall frozen: {first_success(storm, time.monotonic()):.2f} s until the first success")
        until(lambda: ready(200), "readiness that says yes")

    storm.during(trouble)
    storm.check()
