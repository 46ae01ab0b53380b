"""Blocking seats: taken off sale and put back, all or none."""

import pytest

from box import new_id

NIL = "00000000-0000-0000-0000-000000000000"


def test_block_and_unblock(box):
    """Blocked seats are not for sale; unblocked they are; each is one change, and none is in the CDC log."""
    event = box.event()
    blocked = event.post("block", {"ticket_ids": event.tickets(0, 5, 3)}, expect=200)
    assert blocked.seq == blocked["seq"] == 2
    assert sorted(blocked["ticket_ids"]) == event.tickets(0, 3, 5)
    assert blocked["counts"] == {"total": 20, "available": 17, "held": 0, "sold": 0, "blocked": 3}
    assert [i for i, status in enumerate(event.statuses()) if status == "blocked"] == [0, 3, 5]
    buyer = box.session()
    assert buyer.hold(event, 5, expect=409)["taken"] == [event.ticket(5)]
    back = event.post("unblock", {"ticket_ids": event.tickets(5)}, expect=200)
    assert (back.seq, back["ticket_ids"], back["counts"]["blocked"]) == (3, event.tickets(5), 2)
    buyer.hold(event, 5)
    assert {row["ticket_id"] for row in event.cdc()} == {event.ticket(5)}


def test_best_available_passes_over(box):
    """Blocked seats are never chosen."""
    event = box.event(venue=box.venue(rows=1, seats=6))
    event.post("block", {"ticket_ids": event.tickets(1, 2)}, expect=200)
    buyer = box.session()
    assert sorted(t["seat_index"] for t in buyer.best(event, 4)["tickets"]) == [0, 3, 4, 5]
    assert buyer.best(event, 1, expect=409).problem == "not-enough-seats"


def test_all_or_none(box):
    """One seat that is not as it must be: 409 with every such seat, and nothing changes."""
    event = box.event()
    box.session().hold(event, 0)
    box.paid(event, 1)
    event.post("block", {"ticket_ids": event.tickets(2)}, expect=200)
    before = event.availability().json
    refused = event.post("block", {"ticket_ids": event.tickets(4, 2, 1, 0, 5)}, expect=409, problem="seats-taken")
    assert sorted(refused["taken"]) == event.tickets(0, 1, 2)
    refused = event.post("unblock", {"ticket_ids": event.tickets(2, 0, 1, 7)}, expect=409, problem="seats-taken")
    assert sorted(refused["taken"]) == event.tickets(0, 1, 7)
    assert event.availability().json == before


@pytest.mark.parametrize("action", ["block", "unblock"])
def test_refused(box, action):
    """What does not fit is 422 with its pointer; nothing changes."""
    event, other = box.event(), box.event()
    cases = [
        ({}, "/ticket_ids"), ({"ticket_ids": []}, "/ticket_ids"), ({"ticket_ids": "x"}, "/ticket_ids"),
        ({"ticket_ids": ["x"]}, "/ticket_ids/0"), ({"ticket_ids": [event.ticket(0), new_id()]}, "/ticket_ids/1"),
        ({"ticket_ids": [other.ticket(0)]}, "/ticket_ids/0"), ({"ticket_ids": [event.ticket(20)]}, "/ticket_ids/0"),
        ({"ticket_ids": [event.ticket(0), event.ticket(0).upper()]}, "/ticket_ids/1"),
        ({"ticket_ids": [NIL]}, "/ticket_ids/0"), ({"ticket_ids": [event.id]}, "/ticket_ids/0"),
        ({"ticket_ids": [event.ticket(0)] * 1001}, "/ticket_ids"),
    ]  # fmt: skip
    for body, pointer in cases:
        reply = event.post(action, body, expect=422)
        assert reply.problem == "invalid-request", body
        assert all(at.startswith(pointer) for at in reply.pointers), reply
    event.post(action, {"ticket_ids": event.tickets(0), "reason": "x"}, expect=400)
    box.key.post(f"/v1/events/{new_id()}/{action}", {"ticket_ids": [new_id()]}, expect=404)
    assert event.get().seq == 1


def test_thousand(box):
    """1,000 ids a block, whole or not at all."""
    event = box.event(venue=box.venue(rows=11, seats=100))
    ids = event.tickets(*range(1000))
    assert event.post("block", {"ticket_ids": ids}, expect=200)["counts"]["blocked"] == 1000
    refused = event.post("unblock", {"ticket_ids": event.tickets(*range(999), 1050)}, expect=409)
    assert refused["taken"] == event.tickets(1050)
    assert event.post("unblock", {"ticket_ids": ids}, expect=200)["counts"]["blocked"] == 0


def test_blocked_seat_is_not_refunded_away(box):
    """A seat that a refund blocked stays off sale until it is unblocked."""
    event = box.event()
    paid = box.paid(event, 0)
    box.key.post(f"/v1/orders/{paid['order_id']}/refund", {"release_seats": False}, expect=200)
    assert box.session().hold(event, 0, expect=409).problem == "seats-taken"
    event.post("unblock", {"ticket_ids": event.tickets(0)}, expect=200)
    assert box.paid(event, 0)["status"] == "paid"
