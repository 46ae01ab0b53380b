"""Holds end by themselves: never early, without anybody asking, also over a restart."""

from datetime import datetime, timezone

from box import Box, parse_time, until


def wall():
    return datetime.now(timezone.utc)


def wait_for(when):
    """Until this machine's clock, which is the server's, shows a time."""
    until(lambda: wall() > when, f"the clock to show {when}")


def test_expires(box):
    """active until expires_at, then expired; never early by the server's own clock."""
    event = box.event(hold_seconds=1)
    buyer = box.session()
    hold = buyer.hold(event, 0, 1)
    path = f"/v1/holds/{hold['hold_id']}"
    seen = []

    def ended():
        reply = buyer.get(path)
        seen.append((reply["status"], reply["now"]))
        return reply["status"] != "active" and reply

    last = until(ended, "the expiry")
    assert last["status"] == "expired"
    assert last["now"] >= last["ended_at"] >= hold["expires_at"]
    assert (parse_time(hold["expires_at"]) - parse_time(hold["started_at"])).total_seconds() == 1
    assert all(now < hold["expires_at"] for status, now in seen[:-2])
    assert event.counts() == (20, 0, 0, 0)
    assert last.seq == hold.seq + 1
    box.session().hold(event, 0, 1)


def test_seats_come_back_by_themselves(box):
    """Nobody asks about the hold: the seats are free again, seen in the availability, not before its end."""
    event = box.event(hold_seconds=1)
    hold = box.session().hold(event, 3, 4, 5)
    ends = parse_time(hold["expires_at"])

    def free():
        before = wall()
        reply = event.availability(box.public, params={"since": hold.seq})
        if reply["held"] == 0:
            return reply
        assert reply["held"] == 3, "all or none"
        assert before < ends or wall() >= ends
        return None

    reply = until(free, "the seats")
    assert wall() >= ends
    assert reply["changes"] == [[3, 0], [4, 0], [5, 0]]
    assert reply.seq == hold.seq + 1


def test_order_expires_with_its_hold(box):
    """The order is expired, a late confirmation is hold-expired, and nothing is sold."""
    event = box.event(hold_seconds=2)
    buyer = box.session()
    order = buyer.order(buyer.hold(event, 0))
    path = f"/v1/orders/{order['order_id']}"
    last = until(lambda: (reply := buyer.get(path))["status"] != "pending" and reply, "the expiry")
    assert last["status"] == "expired"
    assert last["ended_at"] >= order["expires_at"]
    assert last["purchased_at"] is None
    refused = box.confirm(order, expect=409)
    assert refused.problem == "hold-expired"
    assert buyer.post(f"{path}/cancel", expect=409, problem="order-state")["current"] == "expired"
    assert box.key.post(f"{path}/refund", expect=409, problem="order-state")["current"] == "expired"
    assert event.counts() == (20, 0, 0, 0)
    assert [c["outcome"] for c in event.checkouts()] == ["expired"]
    assert [row["cdc$operation"] for row in event.cdc()] == [2, -3]


def test_confirm_at_the_deadline(box):
    """Confirmations around the deadline: paid before, refused after, and the books agree with the answer."""
    event = box.event(hold_seconds=2, venue=box.venue(rows=4, seats=10))
    orders = [box.order(event, seat) for seat in range(12)]
    answers = []
    for number, order in enumerate(orders):
        ends = parse_time(order["expires_at"])
        until(lambda ends=ends, number=number: (wall() - ends).total_seconds() > (number - 6) * 0.002, "the moment", pause=0)
        answers.append(box.confirm(order, expect=(200, 409)))
    for order, answer in zip(orders, answers, strict=True):
        if answer.status == 200:
            assert answer["purchased_at"] < order["expires_at"]
        else:
            assert answer.problem == "hold-expired"
    paid = sum(answer.status == 200 for answer in answers)
    until(lambda: event.counts() == (40 - paid, 0, paid, 0), "the other seats")
    outcomes = [c["outcome"] for c in event.checkouts()]
    assert (outcomes.count("purchased"), outcomes.count("expired")) == (paid, 12 - paid)


def test_many_at_once(box):
    """Holds that end together all end, each with one change and one row a seat."""
    event = box.event(hold_seconds=1, venue=box.venue(rows=10, seats=20), max_tickets_per_session=10000)
    holds = [box.session().hold(event, *range(i * 4, i * 4 + 4)) for i in range(40)]
    until(lambda: event.counts() == (200, 0, 0, 0), "the expiries")
    assert event.get().seq == 1 + 2 * len(holds)
    rows = [row for row in event.cdc() if row["cdc$operation"] == -3]
    assert len(rows) == 160
    ended = {row["hold_id"]: row["seq"] for row in rows}
    assert set(ended) == {hold["hold_id"] for hold in holds}
    assert len(set(ended.values())) == 40
    assert {c["status"] for c in event.checkouts()} == {"expired"}
    assert event.queue() == []


def test_bought_in_time(box):
    """A hold that was bought or given back does not expire later."""
    event = box.event(hold_seconds=2)
    buyer = box.session()
    paid = box.paid(event, 0, by=buyer)
    given = buyer.hold(event, 1)
    buyer.delete(f"/v1/holds/{given['hold_id']}", expect=204)
    last = buyer.hold(event, 2)
    until(lambda: buyer.get(f"/v1/holds/{last['hold_id']}")["status"] == "expired", "the last hold's end")
    assert event.counts() == (19, 0, 1, 0)
    assert buyer.get(f"/v1/holds/{paid['hold_id']}")["status"] == "purchased"
    assert buyer.get(f"/v1/holds/{given['hold_id']}")["status"] == "released"
    assert [row["cdc$operation"] for row in event.cdc()].count(-3) == 1


def test_due_while_it_was_down(new_server):
    """What fell due while the server was killed has expired when it is back; what did not has not."""
    server = new_server()
    box = Box(server)
    short, long = box.event(hold_seconds=2), box.event(hold_seconds=900)
    buyer = box.session()
    order = buyer.order(buyer.hold(short, 0, 1))
    kept = buyer.hold(long, 0)
    server.kill()
    wait_for(parse_time(order["expires_at"]))
    server.start()
    until(lambda: short.counts() == (20, 0, 0, 0), "the expiry after the restart")
    assert buyer.get(f"/v1/orders/{order['order_id']}")["status"] == "expired"
    assert buyer.get(f"/v1/holds/{order['hold_id']}")["status"] == "expired"
    assert box.confirm(order, expect=409).problem == "hold-expired"
    assert [row["cdc$operation"] for row in short.cdc()] == [2, 2, -3, -3]
    assert buyer.get(f"/v1/holds/{kept['hold_id']}")["status"] == "active"
    assert buyer.get(f"/v1/holds/{kept['hold_id']}")["expires_at"] == kept["expires_at"]
    assert long.counts() == (19, 1, 0, 0)


def test_deadline_survives_a_restart(new_server):
    """A hold whose time is not over goes on after a restart and ends at its own deadline."""
    server = new_server()
    box = Box(server)
    event = box.event(hold_seconds=3)
    buyer = box.session()
    hold = buyer.hold(event, 0)
    server.restart()
    path = f"/v1/holds/{hold['hold_id']}"
    first = buyer.get(path)
    assert first["expires_at"] == hold["expires_at"]
    assert first["status"] == "active" or first["now"] >= hold["expires_at"]
    ended = until(lambda: (reply := buyer.get(path))["status"] != "active" and reply, "the expiry")
    assert ended["status"] == "expired"
    assert ended["ended_at"] >= hold["expires_at"]
    assert event.counts() == (20, 0, 0, 0)


def test_unpublished_and_paused(box):
    """Holds of an event that was hidden or paused meanwhile end as well."""
    event = box.event(hold_seconds=1)
    box.session().hold(event, 0)
    event.post("pause", expect=200)
    event.post("unpublish", expect=200)
    until(lambda: event.counts() == (20, 0, 0, 0), "the expiry")
    assert [c["status"] for c in event.checkouts()] == ["expired"]
