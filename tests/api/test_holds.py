"""Holds: all of their seats or none, at most so many a session, only while the event is on sale."""

import pytest

from box import from_now, new_id, parse_time, until


def test_hold(box):
    """The 201 has seats, prices, the sum and the times; the seats are held; Location leads to the hold."""
    event = box.event(hold_seconds=600)
    buyer = box.session()
    made = buyer.hold(event, 12, 3)
    assert made.headers["location"] == f"/v1/holds/{made['hold_id']}"
    assert made.headers["cache-control"] == "no-store"
    assert made.seq == 2
    assert (made["status"], made["session_id"], made["event_id"]) == ("active", buyer.session_id, event.id)
    assert [ticket["ticket_id"] for ticket in made["tickets"]] == event.tickets(12, 3), "in the order asked for"
    first = made["tickets"][0]
    assert (first["row"], first["seat"], first["seat_index"], first["price_type"]) == ("2", "3", 12, "standard")
    assert (made["total_price"], made["currency"]) == ("90.00", "EUR")
    assert (made["order_id"], made["ended_at"]) == (None, None)
    started, expires = parse_time(made["started_at"]), parse_time(made["expires_at"])
    assert (expires - started).total_seconds() == 600
    assert started <= parse_time(made["now"]) < expires
    assert event.statuses() == ["held" if seat in (3, 12) else "available" for seat in range(20)]
    assert buyer.get(made.headers["location"]).json | {"now": made["now"]} == made.json
    assert box.public.get(event.path).seq == 2


def test_by_ticket_ids(box):
    """The same by ticket_ids, in either case."""
    event = box.event()
    made = box.session().hold(event, ticket_ids=[event.ticket(0), event.ticket(19).upper()])
    assert [ticket["seat_index"] for ticket in made["tickets"]] == [0, 19]


def test_taken(box):
    """A seat that is held, sold or blocked: 409 with every taken one, and nothing is held, not even the free ones."""
    event = box.event()
    box.session().hold(event, 0)
    box.paid(event, 1)
    event.post("block", {"ticket_ids": event.tickets(2)}, expect=200)
    before = event.availability()
    buyer = box.session()
    refused = buyer.hold(event, 3, 2, 1, 0, expect=409)
    assert refused.problem == "seats-taken"
    assert sorted(refused["taken"]) == sorted(event.tickets(0, 1, 2))
    for seat in (0, 1, 2):
        assert buyer.hold(event, seat, expect=409)["taken"] == [event.ticket(seat)]
    assert event.availability().json == before.json
    buyer.hold(event, 3)


def test_own_seat_is_taken_too(box):
    """A session cannot hold a seat twice."""
    event = box.event()
    buyer = box.session()
    buyer.hold(event, 0)
    assert buyer.hold(event, 0, 1, expect=409)["taken"] == [event.ticket(0)]


def test_session_limit(box):
    """Held and bought seats of one session in this event; given back and refunded ones do not count."""
    event = box.event(max_tickets_per_session=3)
    buyer = box.session()
    hold = buyer.hold(event, 0, 1)
    refused = buyer.hold(event, 2, 3, expect=409)
    assert (refused.problem, refused["limit"], refused["held"]) == ("session-limit", 3, 2)
    order = box.confirm(buyer.order(hold))
    assert buyer.hold(event, 2, 3, expect=409)["held"] == 2, "bought ones count"
    third = buyer.hold(event, 2)
    assert buyer.best(event, 1, expect=409)["held"] == 3
    buyer.delete(f"/v1/holds/{third['hold_id']}", expect=204)
    buyer.hold(event, 3)
    box.key.post(f"/v1/orders/{order['order_id']}/refund", expect=200)
    buyer.hold(event, 0, 1)
    assert box.session().hold(event, 4, 5, 6, 7, expect=409)["held"] == 0
    box.session().hold(event, 4, 5, 6)
    assert event.counts() == (14, 6, 0, 0)
    other = box.event(max_tickets_per_session=3)
    buyer.hold(other, 0, 1, 2)


def test_limit_counts_for_keys_too(box):
    """A hold that an API key makes for a session is the session's."""
    event = box.event(max_tickets_per_session=1)
    buyer = box.session()
    body = {"seat_indexes": [0], "session_id": buyer.session_id}
    box.key.post(f"{event.path}/holds", body, expect=201)
    assert buyer.hold(event, 1, expect=409).problem == "session-limit"
    box.key.post(f"{event.path}/holds", body | {"seat_indexes": [1]}, expect=409, problem="session-limit")


def test_sale_window(box):
    """Holds begin from on_sale_at on and before off_sale_at; a checkout that began in time may be finished after it."""
    soon = box.event(on_sale_at=from_now(3600))
    over = box.event(off_sale_at=from_now(-1))
    buyer = box.session()
    for event in (soon, over):
        assert buyer.hold(event, 0, expect=409).problem == "not-on-sale"
        assert buyer.best(event, 1, expect=409).problem == "not-on-sale"
        assert event.counts() == (20, 0, 0, 0)
    event = box.event(on_sale_at=from_now(-10), off_sale_at=from_now(3600))
    hold = buyer.hold(event, 0)
    box.key.patch(event.path, {"off_sale_at": from_now(-1)}, expect=200)
    assert buyer.hold(event, 1, expect=409).problem == "not-on-sale"
    assert box.confirm(buyer.order(hold))["status"] == "paid"


def test_window_opens_and_closes_by_itself(box):
    """Nobody has to do anything when the sale begins or ends; by the server's clock it is never early or late."""
    opens, closes = from_now(0.6), from_now(1.2)
    event = box.event(on_sale_at=opens, off_sale_at=closes, max_tickets_per_session=10000)
    buyer = box.session()
    refused = []

    def attempt():
        made = buyer.best(event, 1, expect=(201, 409))
        if made.status == 201:
            assert opens <= made["started_at"] < closes
            buyer.delete(f"/v1/holds/{made['hold_id']}", expect=204)
        else:
            assert made.problem == "not-on-sale"
            refused.append(made)
        return made

    until(lambda: attempt().status == 201 or from_now(0) > closes, "the sale begins or is over")
    until(lambda: attempt().status == 409 and from_now(0) >= closes, "the sale ends")


def test_order_of_refusals(box):
    """Not on sale comes before a wrong price type, that before taken seats, those before the session's limit."""
    event = box.event(max_tickets_per_session=1)
    box.session().hold(event, 0)
    buyer = box.session()
    assert buyer.hold(event, 0, 1, price_types=["x", "x"], expect=422).pointers[0].startswith("/price_types")
    assert buyer.hold(event, 0, 1, expect=409).problem == "seats-taken"
    assert buyer.hold(event, 1, 2, expect=409).problem == "session-limit"
    event.post("pause", expect=200)
    assert buyer.hold(event, 0, 1, expect=409).problem == "not-on-sale"


def test_price_types(box):
    """One price type a seat, in the order of the seats, with the prices of each."""
    event = box.event()
    section = event.section()
    prices = [{"section": section, "type_id": "regular", "price_type": name, "price": price}
              for name, price in (("child", "10.00"), ("senior", "20.50"))]  # fmt: skip
    box.key.put(f"{event.path}/prices", {"prices": prices}, expect=200)
    buyer = box.session()
    made = buyer.hold(event, 5, 2, 9, price_types=["senior", "standard", "child"])
    assert [(t["seat_index"], t["price_type"], t["price"]) for t in made["tickets"]] == [
        (5, "senior", "20.50"), (2, "standard", "45.00"), (9, "child", "10.00"),
    ]  # fmt: skip
    assert made["total_price"] == "75.50"
    best = buyer.best(event, 2, price_types=["child", "senior"])
    assert best["total_price"] == "30.50"
    for wrong in (["child"], ["child"] * 3, [], "child", [7, 7]):
        reply = buyer.hold(event, seat_indexes=[0, 1], price_types=wrong, expect=422)
        assert all(at.startswith("/price_types") for at in reply.pointers)
    assert buyer.hold(event, 0, 1, price_types=["child", "student"], expect=422).pointers == ["/price_types/1"]
    assert event.counts() == (15, 5, 0, 0)


NIL = "00000000-0000-0000-0000-000000000000"
REFUSED = {
    "nothing": ({}, ""),
    "two ways": ({"seat_indexes": [0], "best_available": {"count": 1}}, ""),
    "no seats": ({"seat_indexes": []}, "/seat_indexes"),
    "no tickets": ({"ticket_ids": []}, "/ticket_ids"),
    "a seat twice": ({"seat_indexes": [0, 1, 0]}, "/seat_indexes/2"),
    "a seat too many": ({"seat_indexes": [19, 20]}, "/seat_indexes/1"),
    "a negative seat": ({"seat_indexes": [-1]}, "/seat_indexes/0"),
    "a fraction of a seat": ({"seat_indexes": [0.5]}, "/seat_indexes/0"),
    "a seat as text": ({"seat_indexes": ["0"]}, "/seat_indexes/0"),
    "101 seats": ({"seat_indexes": list(range(101))}, "/seat_indexes"),
    "no UUID": ({"ticket_ids": ["x"]}, "/ticket_ids/0"),
    "the nil UUID": ({"ticket_ids": [NIL]}, "/ticket_ids/0"),
    "an unknown ticket": ({"ticket_ids": [new_id()]}, "/ticket_ids/0"),
    "best of nothing": ({"best_available": {}}, "/best_available/count"),
    "best 0": ({"best_available": {"count": 0}}, "/best_available/count"),
    "best 101": ({"best_available": {"count": 101}}, "/best_available/count"),
    "best in an unknown section": ({"best_available": {"count": 1, "section": new_id()}}, "/best_available/section"),
    "best in the nil section": ({"best_available": {"count": 1, "section": NIL}}, "/best_available/section"),
    "best of an unknown type": ({"best_available": {"count": 1, "type_id": "balcony"}}, "/best_available/type_id"),
    "a need that no seat has": ({"best_available": {"count": 1, "needs": {"sofa": 1}}}, "/best_available/needs"),
    "more needed than wanted": ({"best_available": {"count": 1, "needs": {"sofa": 2}}}, "/best_available/needs"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(box, name):
    """What does not fit is 422 with its pointer, and nothing is held."""
    body, pointer = REFUSED[name]
    event = box.event()
    reply = box.session().hold(event, expect=422, **body)
    assert reply.problem == "invalid-request"
    assert all(at.startswith(pointer) for at in reply.pointers), reply
    assert event.counts() == (20, 0, 0, 0)
    assert event.get().seq == 1


def test_tickets_of_another_event(box):
    """Another event's ticket is not this one's, even in the same venue."""
    event = box.event()
    other = box.event(venue=event.venue)
    reply = box.session().hold(event, ticket_ids=[event.ticket(0), other.ticket(1)], expect=422)
    assert reply.pointers == ["/ticket_ids/1"]
    assert event.counts() == other.counts() == (20, 0, 0, 0)


def test_unknown_members(box):
    """Members that the interface does not know are 400, inside best_available too."""
    event = box.event()
    buyer = box.session()
    buyer.hold(event, seat_indexes=[0], hold_seconds=5, expect=400)
    buyer.hold(event, best_available={"count": 1, "row": "A"}, expect=400)


def test_hundred_seats(box):
    """100 seats in one hold is the most."""
    event = box.event(venue=box.venue(rows=2, seats=60), max_tickets_per_session=100)
    made = box.session().hold(event, *range(100))
    assert (len(made["tickets"]), made["total_price"]) == (100, "4500.00")
    assert event.counts() == (20, 100, 0, 0)


def test_unknown_hold(box):
    """A hold that never was is 404."""
    for client in (box.session(), box.key):
        client.get(f"/v1/holds/{new_id()}", expect=404, problem="not-found")
        client.delete(f"/v1/holds/{new_id()}", expect=404)
        client.post(f"/v1/holds/{new_id()}/extend", expect=404)
    box.session().post(f"/v1/events/{new_id()}/holds", {"seat_indexes": [0]}, expect=404)


def test_started_at_grows(box):
    """started_at of a ticket is strictly greater each time, also within one millisecond."""
    event = box.event()
    buyer = box.session()
    last = ""
    for _ in range(20):
        hold = buyer.hold(event, 0)
        assert hold["started_at"] > last
        last = hold["started_at"]
        buyer.delete(f"/v1/holds/{hold['hold_id']}", expect=204)
