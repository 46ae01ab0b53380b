"""Events: created with all their tickets, published, edited, paused, cancelled, deleted."""

import pytest

from box import Box, from_now, new_id, new_slug


def test_create(box):
    """The 201 has every member, its defaults, the venue's time zone, and Location leads to the event."""
    venue = box.venue(rows=3, seats=4, standing=5, timezone="America/New_York")
    body = box.event_body(venue, event_type="concert")
    made = box.key.post("/v1/events", body, expect=201)
    assert made.headers["location"] == f"/v1/events/{made['event_id']}"
    assert made.seq == 1
    assert made["tickets_created"] == 17
    assert made["counts"] == {"total": 17, "available": 17, "held": 0, "sold": 0, "blocked": 0}
    wanted = {
        "venue_id": venue["venue_id"], "name": body["name"], "slug": body["slug"], "event_type": "concert",
        "date": "2030-11-22T19:00:00.000Z", "timezone": "America/New_York", "currency": "EUR", "has_tickets": True,
        "published": False, "event_status": "scheduled", "hold_seconds": 900, "max_tickets_per_session": 8,
        "on_sale_at": None, "off_sale_at": None,
    }  # fmt: skip
    assert {name: made[name] for name in wanted} == wanted
    read = box.key.get(made.headers["location"])
    assert read.json == {name: value for name, value in made.json.items() if name != "tickets_created"}
    assert read.seq == 1


def test_tickets_are_there_before_the_answer(new_server):
    """Every ticket exists durably when the 201 is sent: kill -9 right after it loses none."""
    server = new_server()
    box = Box(server)
    event = box.event(venue=box.venue(rows=40, seats=50), published=True)
    server.kill()
    server.start()
    assert box.public.get(event.path)["counts"]["available"] == 2000
    listed = box.public.pages(f"{event.path}/tickets", "tickets", {"limit": 1000})
    assert [ticket["seat_index"] for ticket in listed] == list(range(2000))
    assert {ticket["status"] for ticket in listed} == {"available"}


def test_null_is_a_default(box):
    """An optional member of a POST that is null is as if it were left out."""
    names = ("event_type", "hold_seconds", "max_tickets_per_session", "on_sale_at", "off_sale_at", "published", "prices")
    body = box.event_body(box.venue(), **dict.fromkeys(names))
    made = box.key.post("/v1/events", body, expect=201)
    assert (made["hold_seconds"], made["max_tickets_per_session"], made["published"]) == (900, 8, False)


def test_visibility(box):
    """Unpublished events are 404 to the public and not in its list, with every path below them; the key sees them."""
    event = box.event(published=False, event_type=(kind := new_slug()))
    buyer = box.session()
    paths = ["", "/sections", "/seatmap", "/availability", "/tickets", f"/tickets/{event.ticket(0)}"]

    def seen(client):
        found = {client.get(event.path + path, expect=(200, 404)).status for path in paths}
        assert len(found) == 1
        listed = [entry["event_id"] for entry in client.get("/v1/events", params={"event_type": kind})["events"]]
        assert listed == ([event.id] if found == {200} else [])
        return found == {200}

    assert (seen(box.public), seen(buyer), seen(box.key)) == (False, False, True)
    buyer.hold(event, 0, expect=404)
    published = event.post("publish", expect=200)
    assert published["published"] is True
    assert (seen(box.public), seen(buyer), seen(box.key)) == (True, True, True)
    hold = buyer.hold(event, 0)
    assert event.post("unpublish", expect=200)["published"] is False
    assert (seen(box.public), seen(buyer), seen(box.key)) == (False, False, True)
    buyer.hold(event, 1, expect=404)
    # What is under way goes on.
    order = buyer.order(hold)
    assert box.confirm(order)["status"] == "paid"
    assert buyer.get(f"/v1/orders/{order['order_id']}")["status"] == "paid"


def test_list_filters(box):
    """Filters: slug, event_type, available (a held seat does not count); the list has the page's form."""
    kind = new_slug()
    venue = box.venue(rows=1, seats=2)
    events = [box.event(venue=venue, event_type=kind) for _ in range(4)]
    other = box.event(venue=venue)

    def listed(**params):
        found = box.public.pages("/v1/events", "events", {"limit": 3, **params})
        return [entry["event_id"] for entry in found]

    assert listed(event_type=kind) == [event.id for event in events]
    assert listed(slug=other.made["slug"]) == [other.id]
    assert listed(slug=new_slug()) == []
    assert listed(slug=other.made["slug"], event_type=kind) == []
    buyer = box.session()
    hold = buyer.hold(events[1], 0, 1)
    assert listed(event_type=kind, available="true") == [events[i].id for i in (0, 2, 3)]
    assert len(listed(event_type=kind, available="false")) == 4
    assert box.public.get(events[1].path)["has_tickets"] is False
    buyer.delete(f"/v1/holds/{hold['hold_id']}", expect=204)
    assert len(listed(event_type=kind, available="true")) == 4
    assert box.public.get(events[1].path)["has_tickets"] is True


def test_slug_taken(box):
    """A slug is unique, also while its event is unpublished, and is free again after the event was deleted."""
    event = box.event(published=False)
    body = box.event_body(event.venue, slug=event.made["slug"])
    box.key.post("/v1/events", body, expect=409, problem="slug-taken")
    box.key.delete(event.path, expect=204)
    assert box.key.post("/v1/events", body, expect=201)["event_id"] != event.id


def test_delete(box):
    """Only an event that was never published can be deleted; then it is gone."""
    event = box.event(published=False)
    box.key.patch(event.path, {"name": "Soon gone"}, expect=200)
    reply = box.key.delete(event.path, expect=204)
    assert reply.seq == 3
    event.get(expect=404)
    box.key.delete(event.path, expect=404)
    event.post("publish", expect=404)
    shown = box.event()
    assert box.key.delete(shown.path, expect=409, problem="event-state")["current"] == "published"
    shown.post("unpublish", expect=200)
    box.key.delete(shown.path, expect=409, problem="event-state")
    assert shown.get()["published"] is False


def test_edit(box):
    """PATCH changes what is given and nothing else; null is a value for type and window."""
    event = box.event(event_type="concert", on_sale_at=from_now(-100))
    edits = [
        {"name": "Renamed"}, {"event_type": None}, {"date": "2031-01-01T00:00:00-05:00"}, {"on_sale_at": None},
        {"off_sale_at": from_now(3600)}, {"hold_seconds": 60}, {"max_tickets_per_session": 2},
        {"name": "Twice", "hold_seconds": 86400},
    ]  # fmt: skip
    state = event.get().json
    for number, edit in enumerate(edits, 2):
        reply = box.key.patch(event.path, edit, expect=200)
        assert reply.seq == number
        state |= edit | ({"date": "2031-01-01T05:00:00.000Z"} if "date" in edit else {})
        assert reply.json == state
        assert event.get().json == state


def test_edit_applies(box):
    """hold_seconds counts for holds that begin afterwards, max_tickets_per_session from then on."""
    event = box.event()
    buyer = box.session()
    before = buyer.hold(event, 0)
    box.key.patch(event.path, {"hold_seconds": 5000, "max_tickets_per_session": 2}, expect=200)
    after = buyer.hold(event, 1)
    assert buyer.get(f"/v1/holds/{before['hold_id']}")["expires_at"] == before["expires_at"]
    assert after["expires_at"] > before["expires_at"]
    refused = buyer.hold(event, 2, expect=409)
    assert (refused.problem, refused["limit"], refused["held"]) == ("session-limit", 2, 2)


def test_edit_refused(box):
    """An edit that does not fit changes nothing: wrong window, nothing at all, what cannot be edited."""
    event = box.event(on_sale_at="2030-01-01T00:00:00Z")
    before = event.get().json
    cases = [
        ({}, 422, None), ({"off_sale_at": "2029-12-31T00:00:00Z"}, 422, None), ({"slug": new_slug()}, 400, None),
        ({"currency": "USD"}, 400, None), ({"venue_id": new_id()}, 400, None), ({"name": None}, 422, "/name"),
        ({"hold_seconds": 0}, 422, "/hold_seconds"), ({"hold_seconds": None}, 422, "/hold_seconds"),
        ({"date": "tomorrow"}, 422, "/date"), ({"name": "x", "hold_seconds": 86401}, 422, "/hold_seconds"),
    ]  # fmt: skip
    for body, status, pointer in cases:
        reply = box.key.patch(event.path, body, expect=status)
        assert pointer is None or reply.pointers == [pointer]
    assert event.get().json == before
    assert event.get().seq == 1


def test_pause_resume(box):
    """A paused event begins no holds; those there are go on; resumed, it sells again."""
    event = box.event()
    buyer = box.session()
    hold = buyer.hold(event, 0)
    assert event.post("pause", expect=200)["event_status"] == "paused"
    assert buyer.hold(event, 1, expect=409).problem == "not-on-sale"
    assert box.key.post(f"{event.path}/holds", {"seat_indexes": [1], "session_id": buyer.session_id}).problem == "not-on-sale"
    assert event.post("pause", expect=409, problem="event-state")["current"] == "paused"
    assert box.confirm(buyer.order(hold))["status"] == "paid"
    assert event.post("resume", expect=200)["event_status"] == "scheduled"
    assert event.post("resume", expect=409, problem="event-state")["current"] == "scheduled"
    buyer.hold(event, 1)


def test_cancel(box):
    """Cancelled: all holds end (outcome cancelled), their orders too, nothing sells, what is sold stays until refunded."""
    event = box.event()
    buyer = box.session()
    sold = box.paid(event, 0, 1)
    hold = buyer.hold(event, 2, 3)
    ordered = buyer.order(buyer.hold(event, 4))
    before = event.get().seq
    reply = event.post("cancel", expect=200)
    assert reply["event_status"] == "cancelled"
    assert reply.seq == before + 3, "the event, and two holds"
    assert event.counts() == (18, 0, 2, 0)
    assert buyer.get(f"/v1/holds/{hold['hold_id']}")["status"] == "released"
    assert buyer.get(f"/v1/orders/{ordered['order_id']}")["status"] == "cancelled"
    assert {row["outcome"] for row in event.cdc() if row["cdc$operation"] == 3} == {"purchased", "cancelled"}
    assert {c["outcome"] for c in event.checkouts(status="released")} == {"cancelled"}
    assert buyer.hold(event, 5, expect=409).problem == "not-on-sale"
    assert box.confirm(ordered, expect=409).problem == "order-state"
    for action in ("cancel", "pause", "resume", "publish", "unpublish"):
        assert event.post(action, expect=409, problem="event-state")["current"] == "cancelled"
    box.key.patch(event.path, {"name": "Too late"}, expect=409, problem="event-state")
    box.key.post(f"/v1/orders/{sold['order_id']}/refund", expect=200)
    assert event.counts() == (20, 0, 0, 0)


def test_publish_twice(box):
    """An event that is already what it is to become is 409 with `current`."""
    event = box.event()
    assert event.post("publish", expect=409, problem="event-state")["current"] == "published"
    event.post("unpublish", expect=200)
    assert event.post("unpublish", expect=409, problem="event-state")["current"] == "unpublished"
    event.post("publish", expect=200)


GOOD = {
    "slug": ["a", "0", "a-", "a" * 100, "2026-erfurt"],
    "name": ["x", "é" * 200],
    "hold_seconds": [1, 86400],
    "max_tickets_per_session": [1, 10000],
    "date": ["2030-02-28T23:59:59.999Z", "2030-01-01T00:00:00.5+14:00", "2030-01-01T00:00:00-12:00"],
    "currency": ["EUR", "USD", "KWD"],
    "event_type": ["concert", "東" * 64],
}
BAD = {
    "slug": ["", "-a", "A", "a_b", "ä", "a" * 101, "a b", 7, None],
    "name": ["", "x" * 201, "a\u0001b", "a\u2028b", 7, None],
    "hold_seconds": [0, 86401, -1, 1.5, "900", True],
    "max_tickets_per_session": [0, 10001, "8"],
    "date": ["", "2030-11-22", "2030-11-22T20:00:00", "2030-02-30T00:00:00Z", "2030-11-22T25:00:00Z", 7, None],
    "currency": ["", "eur", "EURO", "XXQ", None],
    "on_sale_at": ["now", 7],
    "off_sale_at": ["never"],
    "event_type": ["", "x" * 65, 7],
    "published": ["true", 1],
    "prices": [{}, "x"],
    "venue_id": ["", "x", "g" * 36, 7, None],
}


@pytest.mark.parametrize("member", GOOD)
def test_values_that_fit(box, member):
    """The edges of what fits."""
    venue = box.venue(price="45")
    for value in GOOD[member]:
        value = value if member != "slug" or len(value) == 100 else f"{new_slug()}{value}"[:100]
        reply = box.key.post("/v1/events", box.event_body(venue, **{member: value}), expect=(201, 409))
        assert reply.status == 201 or reply.problem == "slug-taken"


@pytest.mark.parametrize("member", BAD)
def test_values_that_do_not(box, member):
    """Just outside of what fits: 422 with the member's pointer, and no event."""
    venue = box.venue()
    slug = new_slug()
    for value in BAD[member]:
        reply = box.key.post("/v1/events", box.event_body(venue, slug=slug) | {member: value}, expect=422)
        assert reply.problem == "invalid-request", value
        assert reply.pointers == [f"/{member}"], value
    assert box.key.get("/v1/events", params={"slug": slug})["events"] == []


def test_create_refused(box):
    """A venue that is not there, a window the wrong way round, decimals the currency lacks, members missing."""
    venue = box.venue()
    body = box.event_body(venue)
    box.key.post("/v1/events", body | {"venue_id": new_id()}, expect=404, problem="not-found")
    window = {"on_sale_at": "2030-01-02T00:00:00Z", "off_sale_at": "2030-01-02T00:00:00Z"}
    box.key.post("/v1/events", body | window, expect=422)
    cents = box.venue(price="45.50")
    box.key.post("/v1/events", box.event_body(cents, currency="JPY"), expect=422, problem="invalid-request")
    for member in ("venue_id", "name", "slug", "date", "currency"):
        short = {name: value for name, value in body.items() if name != member}
        assert box.key.post("/v1/events", short, expect=422).pointers == [f"/{member}"]
    box.key.post("/v1/events", body | {"hold_second": 900}, expect=400, problem="bad-request")


@pytest.mark.parametrize("action", ["publish", "unpublish", "pause", "resume", "cancel"])
def test_who_may(box, action):
    """What changes an event needs an API key: 401 without a credential, 403 with a session."""
    event = box.event(published=action != "publish")
    box.public.post(f"{event.path}/{action}", expect=401)
    box.session().post(f"{event.path}/{action}", expect=403)
    box.public.patch(event.path, {"name": "x"}, expect=401)
    box.session().patch(event.path, {"name": "x"}, expect=403)
    box.public.delete(event.path, expect=401)
    box.session().delete(event.path, expect=403)
    box.session().post("/v1/events", box.event_body(event.venue), expect=403)
    assert event.get().seq == 1
    box.key.post(f"/v1/events/{new_id()}/{action}", expect=404)
