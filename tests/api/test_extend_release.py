"""Extending a hold and giving it back."""

import time

import pytest

from box import from_now, parse_time, time_text, until


def seconds(hold):
    """How long a hold lasts from its start."""
    return (parse_time(hold["expires_at"]) - parse_time(hold["started_at"])).total_seconds()


def test_extend(box):
    """expires_at = now + hold_seconds, never earlier than it was; the rest of the hold stays."""
    event = box.event(hold_seconds=1000)
    buyer = box.session()
    hold = buyer.hold(event, 0, 1)
    path = f"/v1/holds/{hold['hold_id']}/extend"
    later = until(lambda: buyer.post(path, expect=200), "an extension")
    assert parse_time(later["expires_at"]) >= parse_time(hold["expires_at"])
    assert (parse_time(later["expires_at"]) - parse_time(later["now"])).total_seconds() <= 1000
    again = buyer.post(path, {}, expect=200)
    assert again["expires_at"] >= later["expires_at"]
    changed = {"expires_at", "now"}
    assert {k: v for k, v in again.json.items() if k not in changed} == {
        k: v for k, v in hold.json.items() if k not in changed
    }
    assert again.seq == later.seq + 1 == hold.seq + 2
    assert buyer.get(f"/v1/holds/{hold['hold_id']}")["expires_at"] == again["expires_at"]
    assert event.counts() == (18, 2, 0, 0)


def test_cap(box):
    """A hold reaches started_at + 2 * hold_seconds at most; at that cap it is 409 hold-state, current active."""
    event = box.event(hold_seconds=2)
    buyer = box.session()
    hold = buyer.hold(event, 0)
    path = f"/v1/holds/{hold['hold_id']}/extend"
    seen = [hold]

    def extend():
        reply = buyer.post(path, expect=(200, 409))
        if reply.status == 200:
            assert reply["expires_at"] >= seen[-1]["expires_at"]
            assert seconds(reply) <= 4
            seen.append(reply)
        return reply.status == 409 and reply

    refused = until(extend, "the cap", pause=0.1)
    assert (refused.problem, refused["current"]) == ("hold-state", "active")
    assert seconds(seen[-1]) == 4
    assert buyer.get(f"/v1/holds/{hold['hold_id']}")["expires_at"] == seen[-1]["expires_at"]


def test_until(box):
    """An API key may take a hold with a pending order to a time of its choice, at most started_at + 24 h."""
    event = box.event(hold_seconds=60)
    buyer = box.session()
    hold = buyer.hold(event, 0)
    path = f"/v1/holds/{hold['hold_id']}/extend"
    when = from_now(3600)
    assert box.key.post(path, {"until": when}, expect=422).pointers == ["/until"], "no pending order"
    order = buyer.order(hold)
    assert buyer.post(path, {"until": when}, expect=422).pointers == ["/until"], "a session"
    extended = box.key.post(path, {"until": when}, expect=200)
    assert extended["expires_at"] == when
    assert buyer.get(f"/v1/orders/{order['order_id']}")["expires_at"] == when
    day = parse_time(hold["started_at"]).timestamp() + 86400
    last = time_text(parse_time(hold["started_at"]).fromtimestamp(day).astimezone())
    beyond = time_text(parse_time(hold["started_at"]).fromtimestamp(day + 1).astimezone())
    for wrong in (beyond, from_now(-5), "soon", 7):
        assert box.key.post(path, {"until": wrong}, expect=422).pointers == ["/until"], wrong
    assert box.key.get(f"/v1/holds/{hold['hold_id']}")["expires_at"] == when
    assert box.key.post(path, {"until": last}, expect=200)["expires_at"] == last
    box.key.post(path, {"until": None}, expect=409, problem="hold-state")
    assert box.confirm(order)["status"] == "paid"


def test_release(box):
    """DELETE frees the seats at once and ends the hold as released; anybody can have them."""
    event = box.event()
    buyer = box.session()
    hold = buyer.hold(event, 0, 1)
    path = f"/v1/holds/{hold['hold_id']}"
    reply = buyer.delete(path, expect=204)
    assert reply.seq == hold.seq + 1
    assert event.counts() == (20, 0, 0, 0)
    ended = buyer.get(path)
    assert (ended["status"], ended["tickets"]) == ("released", hold["tickets"])
    assert hold["started_at"] <= ended["ended_at"] <= ended["now"]
    box.session().hold(event, 0, 1)


def test_release_by_key(box):
    """An API key may give anybody's hold back."""
    event = box.event()
    buyer = box.session()
    hold = buyer.hold(event, 0)
    box.key.delete(f"/v1/holds/{hold['hold_id']}", expect=204)
    assert buyer.get(f"/v1/holds/{hold['hold_id']}")["status"] == "released"


def test_release_cancels_the_order(box):
    """A pending order is cancelled with its hold."""
    event = box.event()
    buyer = box.session()
    order = buyer.order(buyer.hold(event, 0))
    buyer.delete(f"/v1/holds/{order['hold_id']}", expect=204)
    ended = buyer.get(f"/v1/orders/{order['order_id']}")
    assert ended["status"] == "cancelled"
    assert ended["ended_at"] is not None
    assert box.confirm(order, expect=409)["current"] == "cancelled"
    assert event.counts() == (20, 0, 0, 0)


ENDS = {
    "released": lambda box, buyer, order: buyer.delete(f"/v1/holds/{order['hold_id']}", expect=204),
    "purchased": lambda box, buyer, order: box.confirm(order),
    "expired": lambda box, buyer, order: until(
        lambda: buyer.get(f"/v1/holds/{order['hold_id']}")["status"] != "active", "the expiry"
    ),
}


@pytest.mark.parametrize("state", ENDS)
def test_of_an_ended_hold(box, state):
    """Extend and release of a hold that has ended are 409 with its state, for its owner and for a key."""
    event = box.event(hold_seconds=2 if state == "expired" else 900)
    buyer = box.session()
    order = buyer.order(buyer.hold(event, 0))
    ENDS[state](box, buyer, order)
    before = event.get().seq
    path = f"/v1/holds/{order['hold_id']}"
    for client in (buyer, box.key):
        for _ in range(2):
            assert client.delete(path, expect=409, problem="hold-state")["current"] == state
            assert client.post(f"{path}/extend", expect=409, problem="hold-state")["current"] == state
        assert client.get(path)["status"] == state
    if state != "purchased":
        refused = buyer.order(order["hold_id"], expect=409)
        assert refused.problem in ("hold-state", "hold-expired")
    assert event.get().seq == before


def test_extended_hold_lives_on(box):
    """A hold that was extended does not end at its first deadline."""
    event = box.event(hold_seconds=2)
    buyer = box.session()
    hold = buyer.hold(event, 0)
    path = f"/v1/holds/{hold['hold_id']}"
    time.sleep(0.3)  # so that there is something to gain
    extended = buyer.post(f"{path}/extend", expect=200)
    assert extended["expires_at"] > hold["expires_at"]
    ended = until(lambda: (seen := buyer.get(path))["status"] != "active" and seen, "the expiry")
    assert ended["status"] == "expired"
    assert ended["ended_at"] >= extended["expires_at"]


def test_extend_takes_no_other_member(box):
    """Only `until` is known."""
    event = box.event()
    buyer = box.session()
    hold = buyer.hold(event, 0)
    buyer.post(f"/v1/holds/{hold['hold_id']}/extend", {"seconds": 5}, expect=400, problem="bad-request")
