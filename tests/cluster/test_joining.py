"""Which server is home: at SIGTERM events move at once, a newcomer gets its share, a wrong clock gets none."""

import re
from pathlib import Path

import pytest
from box import Box, parse_time, until
from crowds import check_everywhere
from storms import timed

pytestmark = pytest.mark.timeout(300)  # against hanging
LEASE = 10  # seconds: long, so that what waits for it is noticed
SERVE = ["--server-lease-ms", str(1000 * LEASE)]
EVENTS = 24
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


def make_events(pair):
    """Some at each server: without a key an event is made where it is asked for."""
    boxes = [Box(server) for server in pair.running()]
    venues = [box.venue() for box in boxes]
    return [boxes[i % 2].event(venues[i % 2]) for i in range(EVENTS)]


def shares(fleet, events):
    """How many of the events each server is home of; each has one home."""
    homes = {event.id: fleet.homes(event.id) for event in events}
    assert all(len(found) <= 1 for found in homes.values()), homes
    return [sum(found == [server] for found in homes.values()) for server in fleet.running()]


def test_events_move(pair):
    """
    A third server takes its share; the first leaves, and all that it had is decided by the others before it has ended:
    nobody waits for its lease.
    """
    events = make_events(pair)
    pair.settle(*events)
    assert sum(shares(pair, events)) == EVENTS
    third = pair.start(args=SERVE)
    until(lambda: (now := shares(pair, events)) and now[2] > 0 and sum(now) == EVENTS, "a share of the third server")
    pair.settle(*events)
    assert all(count > 0 for count in shares(pair, events)), shares(pair, events)
    holds = [third.session().hold(event, 0) for event in events]
    first = pair[0]

    def leave():
        first.stop()
        until(lambda: sum(shares(pair, events)) == EVENTS, "a home for every event", guard=LEASE)

    print(f"a server of three left, with its events, within {timed(leave):.2f} s; the lease is {LEASE} s")
    for event, hold in zip(events, holds, strict=True):
        assert third.key.get(f"/v1/holds/{hold['hold_id']}")["status"] == "active"
        third.key.delete(f"/v1/holds/{hold['hold_id']}", expect=204)
    third.stop()
    until(lambda: shares(pair, events) == [EVENTS], "all events at the last server")
    first.start()
    pair.settle(*events)
    check_everywhere(pair, *events[:3])


# ---- a wrong clock ----


def test_a_wrong_clock(pair):
    """
    A server whose clock is 5 s ahead says so and is home of nothing. It forwards; no hold ends early by its clock.
    """
    assert FAKETIME.exists(), "script/bootstrap cluster installs libfaketime"
    events = make_events(pair)[:4]
    env = {
        "LD_PRELOAD": str(FAKETIME), "FAKETIME": "+5s", "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip
    wrong = pair.start(args=SERVE, env=env)
    said = pair.state(wrong)
    assert said.startswith("in the cluster, but not fit to decide"), said
    assert re.search(r"this machine's clock is [45][0-9]{3} ms ahead of the cluster's nodes", wrong.stderr())
    assert shares(pair, events)[2] == 0 and wrong.metric("cluster_homes") == 0
    for server in (pair[0], pair[1]):
        assert "2 other servers live, 1 of them fit to decide" in pair.state(server)

    buyer = wrong.session()
    short = Box(pair[0]).event(events[0].venue, hold_seconds=3)
    until(lambda: wrong.key.get(short.path, expect=(200, 404)).status == 200, "the new event")
    forwarded = wrong.metric("cluster_forwarded_total")
    hold = buyer.hold(short, 0)  # asked for at a server for which its deadline has passed already
    order = buyer.order(hold)
    assert wrong.metric("cluster_forwarded_total") == forwarded + 2
    left = [buyer.hold(event, 0) for event in events]
    paid = wrong.key.post(f"/v1/orders/{order['order_id']}/confirm", {"payment_reference": "in time"}, expect=200)
    assert parse_time(paid["purchased_at"]) < parse_time(hold["expires_at"])
    ending = buyer.hold(short, 1)
    ended = until(lambda: (now := buyer.get(f"/v1/holds/{ending['hold_id']}").json)["status"] == "expired" and now, "its end")
    assert parse_time(ended["ended_at"]) >= parse_time(ending["expires_at"])
    assert all(buyer.get(f"/v1/holds/{one['hold_id']}")["status"] == "active" for one in left)
    made = Box(wrong).event(events[0].venue)  # made by another one
    assert pair.home(made.id) is not wrong
    assert wrong.metric("cluster_homes") == 0
    wrong.stop()
    pair.settle(*events, short)
    check_everywhere(pair, short, *events)
