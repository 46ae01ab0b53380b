"""Checkouts of an event: one entry per hold, also of those that came to nothing."""

from box import new_id, until


def test_every_outcome(box):
    """Active, purchased, released, cancelled, expired: each with its times, its order and its outcome."""
    event = box.event(hold_seconds=2)
    lost = box.session().hold(event, 0)
    lost_order = box.order(event, 1, user_id=(user := new_id()))
    until(lambda: len(event.checkouts(status="expired")) == 2, "two expiries")
    box.key.patch(event.path, {"hold_seconds": 900}, expect=200)
    buyer = box.session()
    active = buyer.hold(event, 2, 3)
    paid = box.paid(event, 4, 5, by=buyer)
    released = buyer.hold(event, 6)
    buyer.delete(f"/v1/holds/{released['hold_id']}", expect=204)
    cancelled = buyer.order(buyer.hold(event, 7))
    buyer.post(f"/v1/orders/{cancelled['order_id']}/cancel", expect=200)
    listed = event.checkouts()
    assert [(c["hold_id"], c["order_id"], c["status"], c["outcome"]) for c in listed] == [
        (lost["hold_id"], None, "expired", "expired"),
        (lost_order["hold_id"], lost_order["order_id"], "expired", "expired"),
        (active["hold_id"], None, "active", None),
        (paid["hold_id"], paid["order_id"], "purchased", "purchased"),
        (released["hold_id"], None, "released", "released"),
        (cancelled["hold_id"], cancelled["order_id"], "released", "cancelled"),
    ], "oldest first"
    for found in listed:
        hold = box.key.get(f"/v1/holds/{found['hold_id']}")
        for name in ("event_id", "session_id", "status", "total_price", "currency", "started_at", "expires_at", "ended_at"):
            assert found[name] == hold[name], name
        assert found["ticket_ids"] == [ticket["ticket_id"] for ticket in hold["tickets"]]
        assert (found["ended_at"] is None) == (found["status"] == "active")
        if found["status"] == "expired":
            assert found["ended_at"] >= found["expires_at"]
    assert [c["user_id"] for c in listed] == [None, user, None, None, None, None]


def test_filter_and_pages(box):
    """status filters; pages of any size give every checkout once, oldest first."""
    event = box.event(max_tickets_per_session=100)
    buyer = box.session()
    holds = [buyer.hold(event, seat) for seat in range(7)]
    for hold in holds[::2]:
        buyer.delete(f"/v1/holds/{hold['hold_id']}", expect=204)
    ids = [hold["hold_id"] for hold in holds]

    def listed(**params):
        return [found["hold_id"] for found in event.checkouts(**params)]

    for limit in (1, 3, 1000):
        assert listed(limit=limit) == ids
        assert listed(limit=limit, status="active") == ids[1::2]
        assert listed(limit=limit, status="released") == ids[::2]
    assert listed(status="purchased") == listed(status="expired") == []
    for name, value in (("status", "pending"), ("limit", "0"), ("cursor", "~")):
        reply = box.key.get(f"{event.path}/checkouts", params={name: value}, expect=422)
        assert reply.pointers == [f"/{name}"]


def test_of_its_event_only(box):
    """Another event's checkouts are not listed; an event that is not there is 404."""
    venue = box.venue()
    event, other = box.event(venue=venue), box.event(venue=venue)
    box.session().hold(event, 0)
    assert other.checkouts() == []
    assert len(event.checkouts()) == 1
    box.key.get(f"/v1/events/{new_id()}/checkouts", expect=404)


def test_extension_and_refund(box):
    """An extension moves expires_at; a refund leaves the checkout as it ended."""
    event = box.event()
    buyer = box.session()
    hold = buyer.hold(event, 0)
    extended = buyer.post(f"/v1/holds/{hold['hold_id']}/extend", expect=200)
    assert event.checkouts()[0]["expires_at"] == extended["expires_at"]
    paid = box.confirm(buyer.order(hold))
    before = event.checkouts()
    box.key.post(f"/v1/orders/{paid['order_id']}/refund", expect=200)
    assert event.checkouts() == before
    assert before[0]["outcome"] == "purchased"
