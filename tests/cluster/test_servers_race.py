"""Two servers, and a crowd that uses both at once: what must hold whoever asks where."""

import asyncio

import pytest
import rules
from box import Box, until
from crowds import Spread
from harness import scaled
from test_race import hall, shop, watch

pytestmark = pytest.mark.timeout(300)  # against hanging


@pytest.fixture
def crowd(pair, request):
    return Spread(pair, request.node.name)


def homed(fleet, make):
    """An event for each of the servers, made there: so it is its home."""
    events = [make(Box(server)) for server in fleet.running()]
    for server, event in zip(fleet.running(), events, strict=True):
        assert fleet.home(event.id) is server
    return events


def test_one_seat(pair, crowd):
    """Everybody asks for one seat, half of them at the follower: one gets it, the others are told that it is taken."""
    for event in homed(pair, lambda box: hall(box, 1, 4)):
        crowd.event(event)
        ticket = event.ticket(2)

        async def race(event=event):
            buyers = await asyncio.gather(*(crowd.buyer() for _ in range(scaled(300))))
            return await asyncio.gather(*(buyer.hold(event, seat_indexes=[2]) for buyer in buyers))

        (replies,) = crowd.run(race())
        assert [reply.status for reply in replies].count(201) == 1
        lost = [reply for reply in replies if reply.status != 201]
        assert {(reply.status, reply.problem) for reply in lost} == {(409, "seats-taken")}
        assert all(reply.json["taken"] == [ticket] for reply in lost)
        snapshot = crowd.check(event)[event.id]
        assert snapshot.event["counts"]["held"] == 1


async def hurry(buyer, event):
    """A checkout of two seats that has little time: bought in time, or it ends by itself."""
    for _ in range(4):
        first = buyer.rng.randrange(event.total - 1)
        reply = await buyer.hold(event, seat_indexes=[first, first + 1])
        if reply.status == 409:
            assert reply.problem in ("seats-taken", "session-limit"), reply
            await asyncio.sleep(buyer.rng.random() / 2)
            continue
        assert reply.status == 201, reply
        hold, way = reply.json, buyer.rng.choice(["leave", "extend", "order", "buy"])
        if way == "extend":
            reply = await buyer.extend(hold)
            assert reply.status == 200 or reply.problem == "hold-state", reply
        if way in ("order", "buy"):
            reply = await buyer.order(hold)
            assert reply.status == 201 or reply.problem == "hold-expired", reply
            if way == "buy" and reply.status == 201:
                reply = await buyer.confirm(reply.json)
                assert reply.status == 200 or reply.problem == "hold-expired", reply


def test_crowd(pair, crowd):
    """
    Some hundred buyers on two events, one of each server, and on a third whose holds last a second. Each request goes to
    any of the servers. Readers follow at both: there are never two truths of one seq.
    """
    events = homed(pair, lambda box: hall(box, 6, 20))
    short = Box(pair[1]).event(Box(pair[1]).venue(rows=2, seats=20), hold_seconds=1, max_tickets_per_session=100)
    for event in (*events, short):
        crowd.event(event)

    async def race():
        done = asyncio.Event()
        truths = {event.id: {} for event in events}
        watchers = [
            asyncio.create_task(watch(crowd.at(server), event, truths[event.id], done))
            for event in events for server in pair.running()
        ]  # fmt: skip
        try:
            buyers = await asyncio.gather(*(crowd.buyer() for _ in range(scaled(300))))
            hurried = await asyncio.gather(*(crowd.buyer() for _ in range(scaled(100))))
            await asyncio.gather(
                *(shop(buyer, events[i % 2], 60, best=i % 3 == 0, visits=4) for i, buyer in enumerate(buyers)),
                *(hurry(buyer, short) for buyer in hurried),
            )
        finally:
            done.set()
        await asyncio.gather(*watchers)

    crowd.run(race())
    until(lambda: not short.checkouts(status="active"), "the end of all holds of a second")
    snapshots = crowd.check(*events, short)
    assert all(snapshots[event.id].event["counts"]["sold"] > 0 for event in events)
    assert any(row["cdc$operation"] == rules.EXPIRED for row in snapshots[short.id].cdc)
    for server in pair.running():
        assert server.metric("cluster_forwarded_total") > 0
        assert server.metric("cluster_follow_lag_seconds_count") > 0
        assert server.metric("cql_commits_total") > 0
