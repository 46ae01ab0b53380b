"""Servers that come and go under load: killed, frozen, stopped, started anew. Nothing that was acknowledged is lost."""

import uuid

import pytest
from box import Box, parse_time, until
from crowds import check_everywhere
from storms import Storms, timed
from tables import Tables

pytestmark = pytest.mark.timeout(600)  # against hanging
LEASE = 4  # seconds
SERVE = ["--server-lease-ms", str(1000 * LEASE)]


@pytest.fixture
def storm(pair, request):
    made = Storms(pair, request.node.name)
    yield made
    print(request.node.name, dict(made.told))


# ---- kill -9 ----


def test_killed(pair, storm):
    """Each is killed once in the middle of everything, taken over, and joins again."""

    def trouble():
        for killed, other in ((pair[0], pair[1]), (pair[1], pair[0])):
            before = other.metric("cluster_takeovers_total")
            killed.kill()
            for event in (storm.long, storm.short):
                until(lambda other=other, event=event: pair.homes(event.id, [other]), "the takeover")
            assert other.metric("cluster_takeovers_total") > before
            killed.start()
            pair.settle()

    storm.during(trouble)
    storm.check()
    assert storm.told["lost"] + storm.told["503"] > 0


def test_what_a_killed_server_left(pair):
    """
    Its holds expire, once and not early; an order of a live hold can be paid at the other; its keys answer there with the
    first answer.
    """
    dying, other = pair
    box = Box(dying)
    event = box.event(hold_seconds=4)
    patient = box.event(event.venue)
    assert pair.home(event.id) is dying and pair.home(patient.id) is dying
    pair.settle(event, patient)
    buyer = dying.session()
    key = {"Idempotency-Key": f"first-{event.id}"}
    body = {"seat_indexes": [0, 1]}
    left = buyer.post(f"{event.path}/holds", body, headers=key, expect=201)
    pending = buyer.order(buyer.hold(event, 2))
    payable = buyer.order(buyer.hold(patient, 0, 1))
    tickets = event.tickets(0, 1, 2)
    dying.kill()
    there = other.client(buyer.token)
    again = until(lambda: done(there.post(f"{event.path}/holds", body, headers=key)), "an answer")
    assert again.content == left.content and again.headers["idempotent-replayed"] == "true"
    assert again.seq == left.seq
    paid = until(lambda: done(other.key.post(f"/v1/orders/{payable['order_id']}/confirm", {"payment_reference": "pay-1"})), "a payment")
    assert paid["status"] == "paid"
    on_other = Box(other)

    def ended():
        return there.get(f"/v1/holds/{left['hold_id']}").json["status"] == "expired"

    until(ended, "the end of a hold whose home died")
    hold = there.get(f"/v1/holds/{left['hold_id']}").json
    assert parse_time(hold["ended_at"]) >= parse_time(left["expires_at"])
    until(lambda: there.get(f"/v1/orders/{pending['order_id']}")["status"] == "expired", "the end of its order")
    rows = until(lambda: len(found := [row for row in on_other.log() if row["event_id"] == event.id]) >= 6 and found, "its rows")
    assert sorted((row["ticket_id"], row["cdc$operation"]) for row in rows) == sorted(
        (ticket, operation) for ticket in tickets for operation in (2, -3)
    )


def done(reply):
    """A reply that is an answer; None where it says that it is to be asked again."""
    return reply if reply.status < 300 else None


# ---- frozen for longer than its lease ----


def test_frozen(pair, storm):
    """
    A home that was frozen, was taken over and comes back believes to be home still. What it is asked then, and what was
    under way in it, is answered as is true.
    """

    def trouble():
        events = [event for event in (storm.long, storm.short) if pair.homes(event.id, [pair[0]])]
        assert events, "the frozen server must have something to lose"
        pair[0].freeze()
        for event in events:
            until(lambda event=event: pair.homes(event.id, [pair[1]]), "the takeover")
        pair[0].thaw()
        pair.settle()

    storm.during(trouble)
    storm.check()
    assert pair[1].metric("cql_takeovers_total") > 0


def test_fenced(pair):
    """
    A home that was taken over and does not know it: its next commit is refused by the store, which its metrics show. Who
    asked for it is answered all the same, and once. (Somebody who takes the event and dies is played by this test.)
    """
    home, other = pair
    box = Box(home)
    event = box.event()
    assert pair.home(event.id) is home
    pair.settle(event)
    tables = Tables(pair.keyspace)
    for seat, server in enumerate((home, other)):
        now = pair.home(event.id)
        fenced = [one.metric("cql_commits_fenced_total") for one in pair]
        epoch = tables.statics(uuid.UUID(event.id))["epoch"]
        taken = tables.execute(
            "UPDATE {}tickets SET epoch = %s WHERE event_id = %s IF epoch = %s", epoch + 1, uuid.UUID(event.id), epoch
        )
        assert taken[0]["[applied]"]
        buyer = server.session()
        body, key = {"seat_indexes": [seat]}, {"Idempotency-Key": f"fenced-{event.id}"}
        held = until(lambda: done(buyer.post(f"{event.path}/holds", body, headers=key)), "an answer")
        assert [line["seat_index"] for line in held["tickets"]] == [seat]
        assert now.metric("cql_commits_fenced_total") == fenced[pair.servers.index(now)] + 1
        assert tables.statics(uuid.UUID(event.id))["epoch"] > epoch + 1, "it was taken again"
    pair.settle(event)
    assert event.counts() == (18, 2, 0, 0)
    check_everywhere(pair, event)


# ---- SIGTERM ----


def test_rolling_restart(pair, storm):
    """Both are restarted, one after the other, under load: what it costs is told, and nothing is lost."""
    took = []

    def trouble():
        for server in (pair[0], pair[1]):
            took.append(timed(server.stop))
            server.start()
            pair.settle()

    storm.during(trouble)
    storm.check()
    print(f"rolling restart: {storm.replies} replies, {dict(storm.told)}, stops took {took}")
