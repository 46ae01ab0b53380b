"""Prices: standard and other price types; a hold keeps the price it began with."""

from decimal import Decimal

import pytest

from box import new_id


def prices_of(box, event):
    """{(section index, type): {price type: price}} from /sections."""
    ids = [section["section_id"] for section in event.venue["sections"]]
    reply = box.public.get(f"{event.path}/sections")
    return {(ids.index(entry["section"]), entry["type_id"]): entry["prices"] for entry in reply["sections"]}


def entry(event, price, price_type=None, type_id="regular", section=0):
    found = {"section": event.section(section), "type_id": type_id, "price": price}
    return found if price_type is None else found | {"price_type": price_type}


def put(box, event, *entries, expect=200, **kwargs):
    return box.key.put(f"{event.path}/prices", {"prices": list(entries)}, expect=expect, **kwargs)


def test_from_the_venue(box):
    """Without `prices` the venue's prices are the standard ones, with the currency's decimals."""
    venue = box.venue(price="45", standing=3)
    assert prices_of(box, box.event(venue=venue)) == {
        (0, "regular"): {"standard": "45.00"}, (0, "standing"): {"standard": "25.00"},
    }  # fmt: skip
    yen = box.event(venue=venue, currency="JPY")
    assert prices_of(box, yen)[0, "regular"] == {"standard": "45"}
    dinar = box.event(venue=venue, currency="KWD")
    assert prices_of(box, dinar)[0, "regular"] == {"standard": "45.000"}


def test_at_creation(box):
    """POST /v1/events takes the same `prices`: another standard price and other price types."""
    venue = box.venue(standing=3)
    section = venue["sections"][0]["section_id"]
    event = box.event(
        venue=venue,
        prices=[
            {"section": section, "type_id": "regular", "price": "50.5"},
            {"section": section, "type_id": "regular", "price_type": "child", "price": "20.00"},
        ],
    )
    assert prices_of(box, event) == {
        (0, "regular"): {"standard": "50.50", "child": "20.00"}, (0, "standing"): {"standard": "25.00"},
    }  # fmt: skip
    assert box.public.get(f"{event.path}/tickets/{event.ticket(0)}")["price"] == "50.50"
    assert box.public.get(f"/v1/venues/{venue['venue_id']}").json == venue, "the venue keeps its own prices"


def test_set(box):
    """PUT sets what it names and leaves the rest; `price` and a ticket's price are the standard one of now."""
    event = box.event(venue=box.venue(standing=3))
    assert put(box, event, entry(event, "49.00"), entry(event, "10.00", "child")).seq == 2
    assert put(box, event, entry(event, "5.00", "child", "standing")).seq == 3
    assert prices_of(box, event) == {
        (0, "regular"): {"standard": "49.00", "child": "10.00"},
        (0, "standing"): {"standard": "25.00", "child": "5.00"},
    }
    put(box, event, entry(event, "0", "standard"))
    assert prices_of(box, event)[0, "regular"] == {"standard": "0.00", "child": "10.00"}
    assert box.public.get(f"{event.path}/tickets/{event.ticket(0)}")["price"] == "0.00"
    sections = box.public.get(f"{event.path}/sections")
    assert [found["price"] for found in sections["sections"]] == ["0.00", "25.00"]
    assert sections.seq == 4


def test_hold_keeps_its_price(box):
    """New prices are for holds that begin afterwards; a hold, its order and what was sold keep theirs."""
    event = box.event()
    put(box, event, entry(event, "20.00", "child"))
    buyer = box.session()
    hold = buyer.hold(event, 0, 1, price_types=["standard", "child"])
    assert hold["total_price"] == "65.00"
    put(box, event, entry(event, "99.00"), entry(event, "1.00", "child"))
    assert buyer.get(f"/v1/holds/{hold['hold_id']}")["total_price"] == "65.00"
    extended = buyer.post(f"/v1/holds/{hold['hold_id']}/extend", expect=(200, 409))
    assert extended.status == 409 or extended["total_price"] == "65.00"
    order = buyer.order(hold)
    assert [(line["price_type"], line["price"]) for line in order["tickets"]] == [
        ("standard", "45.00"), ("child", "20.00"),
    ]  # fmt: skip
    paid = box.confirm(order)
    assert paid["total_price"] == "65.00"
    put(box, event, entry(event, "7.00"))
    assert buyer.get(f"/v1/orders/{order['order_id']}")["tickets"] == order["tickets"]
    assert event.checkouts()[0]["total_price"] == "65.00"
    assert buyer.hold(event, 2, 3, price_types=["standard", "child"])["total_price"] == "8.00"


def test_price_type_belongs_to_its_place(box):
    """A price type may exist at one place only: elsewhere it is 422 at the seat that lacks it, and nothing is held."""
    event = box.event(venue=box.venue(rows=1, seats=2, standing=2))
    put(box, event, entry(event, "5.00", "child"))
    buyer = box.session()
    reply = buyer.hold(event, 0, 2, price_types=["child", "child"], expect=422)
    assert reply.pointers == ["/price_types/1"]
    assert event.counts() == (4, 0, 0, 0)
    assert buyer.hold(event, 0, 2, price_types=["child", "standard"])["total_price"] == "30.00"


def test_sums_are_exact(box):
    """Sums of decimals, not of floating-point numbers."""
    event = box.event(venue=box.venue(rows=1, seats=100, price="0.10"), max_tickets_per_session=100)
    put(box, event, entry(event, "999999999.99", "gold"))
    hold = box.session().hold(event, *range(100), price_types=["standard", "gold"] * 50)
    assert Decimal(hold["total_price"]) == 50 * (Decimal("0.10") + Decimal("999999999.99"))
    assert hold["total_price"] == "50000000004.50"


REFUSED = {
    "an unknown section": (lambda e: {"section": new_id()}, "/prices/1"),
    "an unknown type": (lambda e: {"type_id": "balcony"}, "/prices/1"),
    "no UUID": (lambda e: {"section": "x"}, "/prices/1/section"),
    "too many decimals": (lambda e: {"price": "1.001"}, "/prices/1/price"),
    "negative": (lambda e: {"price": "-1"}, "/prices/1/price"),
    "too high": (lambda e: {"price": "1000000000.01"}, "/prices/1/price"),
    "no text": (lambda e: {"price": 5}, "/prices/1/price"),
    "an empty price type": (lambda e: {"price_type": ""}, "/prices/1/price_type"),
    "a price type too long": (lambda e: {"price_type": "x" * 65}, "/prices/1/price_type"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_as_a_whole(box, name):
    """One entry that does not fit, and none is set; the same at creation."""
    change, pointer = REFUSED[name]
    event = box.event()
    wrong = entry(event, "2.00") | change(event)
    reply = put(box, event, entry(event, "1.00"), wrong, expect=422, problem="invalid-request")
    assert all(at.startswith(pointer) for at in reply.pointers), reply
    assert prices_of(box, event)[0, "regular"] == {"standard": "45.00"}
    assert event.get().seq == 1
    body = box.event_body(event.venue, prices=[entry(event, "1.00"), wrong])
    reply = box.key.post("/v1/events", body, expect=422, problem="invalid-request")
    assert all(at.startswith(pointer) for at in reply.pointers), reply
    assert box.key.get("/v1/events", params={"slug": body["slug"]})["events"] == []


def test_at_most_32_price_types(box):
    """An event has 32 price types, standard among them; one more is 422."""
    event = box.event()
    put(box, event, *(entry(event, "1.00", f"type {i}") for i in range(31)))
    put(box, event, entry(event, "1.00", "one more"), expect=422, problem="invalid-request")
    assert len(prices_of(box, event)[0, "regular"]) == 32
    put(box, event, entry(event, "2.00", "type 30"))


def test_highest_price(box):
    """0 to 1,000,000,000."""
    event = box.event()
    put(box, event, entry(event, "1000000000.00"))
    assert box.session().hold(event, 0, 1)["total_price"] == "2000000000.00"


def test_malformed(box):
    """No list, an empty one, unknown members."""
    event = box.event()
    for body in ({}, {"prices": []}, {"prices": None}, {"prices": [None]}):
        box.key.put(f"{event.path}/prices", body, expect=422)
    put(box, event, entry(event, "1.00") | {"valid_from": "now"}, expect=400)
    assert event.get().seq == 1


def test_who_may(box):
    """Setting prices needs an API key, and an event that goes on."""
    event = box.event()
    body = {"prices": [entry(event, "1.00")]}
    box.public.put(f"{event.path}/prices", body, expect=401)
    box.session().put(f"{event.path}/prices", body, expect=403)
    box.key.put(f"/v1/events/{new_id()}/prices", body, expect=404)
    event.post("cancel", expect=200)
    assert put(box, event, entry(event, "1.00"), expect=409, problem="event-state")["current"] == "cancelled"
