"""Reading an event: sections, seat map, availability in its forms, tickets. Everything agrees with everything."""

import base64
import random

import pytest

from box import STATUSES, new_id, unpack
from harness import scaled

ROOM = [
    {
        "name": "Front",
        "types": [
            {
                "type_id": "regular", "price": "45.00",
                "rows": [
                    {"row": "A", "seats": 6, "gaps_after": ["3"]},
                    {"row": "B", "seats": [{"label": "1a", "x": -5, "y": 7, "attributes": ["wheelchair"]}, "2a"]},
                ],
            },
            {"type_id": "standing", "price": "25.00", "seats_count": 5},
        ],
    },
    {"name": "Back", "types": [{"type_id": "regular", "price": "30.00", "rows": [{"row": "A", "seats": 4}]}]},
]  # fmt: skip


@pytest.fixture
def event(box):
    return box.event(venue=box.venue(sections=ROOM))


def test_seatmap(box, event):
    """Sections, types and rows in order with their first index; labels, places, gaps and attributes as they were made."""
    seatmap = box.public.get(f"{event.path}/seatmap")
    front, back = seatmap["sections"]
    assert (seatmap["event_id"], seatmap["layout_rev"], seatmap["seats_total"], seatmap["size"]) == (event.id, 1, 17, None)
    assert [(s["section"], s["name"], s["first_seat_index"]) for s in (front, back)] == [
        (event.section(0), "Front", 0), (event.section(1), "Back", 13),
    ]  # fmt: skip
    regular, standing = front["types"]
    assert standing == {"type_id": "standing", "first_seat_index": 8, "seats_count": 5}
    assert (regular["first_seat_index"], regular["seats_count"]) == (0, 8)
    assert regular["rows"] == [
        {"row": "A", "first_seat_index": 0, "seats": 6, "x": None, "y": None, "gaps_after": ["3"]},
        {"row": "B", "first_seat_index": 6, "seats": ["1a", "2a"], "x": [-5, None], "y": [7, None], "gaps_after": []},
    ]
    assert back["types"][0]["rows"][0]["first_seat_index"] == 13
    assert seatmap["attributes"] == {"wheelchair": [6]}


def test_ticket_ids_from_the_seatmap(box, event):
    """A ticket_id is the prefix and the seat index: the same that /tickets lists."""
    listed = box.public.pages(f"{event.path}/tickets", "tickets")
    assert [ticket["ticket_id"] for ticket in listed] == event.tickets(*range(17))


def test_seatmap_rev(box, event):
    """/seatmap?rev=N never changes and says so; /seatmap is revalidated; another version is 404."""
    plain = box.public.get(f"{event.path}/seatmap")
    fixed = box.public.get(f"{event.path}/seatmap", params={"rev": plain["layout_rev"]})
    assert fixed.json == plain.json
    assert "immutable" in fixed.headers["cache-control"]
    assert "immutable" not in plain.headers["cache-control"]
    assert plain.headers["etag"]
    box.public.get(f"{event.path}/seatmap", params={"rev": 2}, expect=404)
    for rev in ("0", "-1", "x", "", "4294967296", "1.0"):
        assert box.public.get(f"{event.path}/seatmap", params={"rev": rev}, expect=422).pointers == ["/rev"]
    box.session().hold(event, 0)
    again = box.public.get(f"{event.path}/seatmap", headers={"If-None-Match": plain.headers["etag"]}, expect=(200, 304))
    assert again.status == 304 or again.json == plain.json


def mix(box, event):
    """Some seats held, sold and blocked."""
    box.session().hold(event, 0, 8)
    box.paid(event, 1, 13)
    event.post("block", {"ticket_ids": event.tickets(2, 9, 10)}, expect=200)
    wanted = ["available"] * 17
    for status, seats in (("held", (0, 8)), ("sold", (1, 13)), ("blocked", (2, 9, 10))):
        for seat in seats:
            wanted[seat] = status
    return wanted


def test_everything_agrees(box, event):
    """Event, sections, availability, tickets: the same statuses and counts."""
    wanted = mix(box, event)
    assert event.statuses() == wanted
    assert event.counts() == tuple(wanted.count(status) for status in STATUSES)
    places = {("Front", "regular"): range(8), ("Front", "standing"): range(8, 13), ("Back", "regular"): range(13, 17)}
    sections = box.public.get(f"{event.path}/sections")["sections"]
    assert [(entry["name"], entry["type_id"]) for entry in sections] == list(places)
    for entry in sections:
        found = [wanted[seat] for seat in places[entry["name"], entry["type_id"]]]
        assert entry["seats_count"] == len(found)
        for status in STATUSES:
            assert entry[status] == found.count(status)
    listed = box.public.pages(f"{event.path}/tickets", "tickets")
    assert [ticket["status"] for ticket in listed] == wanted
    assert [ticket["seat_index"] for ticket in listed] == list(range(17))
    for ticket in listed:
        assert box.public.get(f"{event.path}/tickets/{ticket['ticket_id']}").json == ticket


def test_availability_bytes(box, event):
    """application/octet-stream is the same bytes alone, with Change-Seq; bits after the last seat are 0."""
    wanted = mix(box, event)
    full = event.availability()
    raw = box.public.get(f"{event.path}/availability", headers={"Accept": "application/octet-stream"})
    assert raw.headers["content-type"] == "application/octet-stream"
    assert raw.content == base64.b64decode(full["statuses"])
    assert raw.seq == full["seq"] == full.seq
    assert [STATUSES[value] for value in unpack(raw.content, 17)] == wanted
    assert raw.content[-1] >> 2 == 0
    since = box.public.get(
        f"{event.path}/availability", params={"since": 1}, headers={"Accept": "application/octet-stream"}
    )
    assert since.content == raw.content, "with octet-stream always the full bytes"
    assert raw.headers["etag"] != full.headers["etag"]


def test_since(box, event):
    """?since=SEQ: each seat that changed after it, once, with its last status; the full form for the future."""
    mix(box, event)
    full = event.availability()
    assert full.seq == 6, "created; held; held, ordered and sold; blocked"
    now = event.availability(params={"since": full.seq})
    assert (now["seq"], now["since"], now["changes"]) == (full.seq, full.seq, [])
    all_of_it = event.availability(params={"since": 1})
    assert all_of_it["changes"] == [[0, 1], [1, 2], [2, 3], [8, 1], [9, 3], [10, 3], [13, 2]]
    assert all_of_it["available"] == full["available"]
    ahead = event.availability(params={"since": full.seq + 1})
    assert "changes" not in ahead.json
    assert ahead["statuses"] == full["statuses"]
    for wrong in ("-1", "x", "", "1.5"):
        assert event.availability(params={"since": wrong}, expect=422).pointers == ["/since"]


def test_replaying_deltas_gives_the_bitmap(box):
    """Whoever follows with ?since has, at every step, what the full form says."""
    rng = random.Random(20261122)
    event = box.event(venue=box.venue(rows=5, seats=10), max_tickets_per_session=10000)
    mine = event.availability(params={})
    values = unpack(base64.b64decode(mine["statuses"]), 50)
    seq = mine.seq
    buyer, holds = box.session(), []
    for _ in range(scaled(40)):
        free = [i for i, status in enumerate(event.statuses()) if status == "available"]
        if holds and (rng.random() < 0.5 or len(free) < 4):
            hold = holds.pop(rng.randrange(len(holds)))
            if rng.random() < 0.5:
                buyer.delete(f"/v1/holds/{hold['hold_id']}", expect=204)
            else:
                order = box.confirm(buyer.order(hold))
                if rng.random() < 0.7:
                    release = rng.random() < 0.7
                    box.key.post(f"/v1/orders/{order['order_id']}/refund", {"release_seats": release}, expect=200)
        elif len(free) >= 4:
            holds.append(buyer.hold(event, *rng.sample(free, rng.randint(1, 4))))
        if rng.random() < 0.6:
            delta = event.availability(params={"since": seq})
            indexes = [seat for seat, _ in delta["changes"]]
            assert indexes == sorted(set(indexes))
            for seat, status in delta["changes"]:
                values[seat] = status
            seq = delta.seq
            full = event.availability()
            assert full.seq == seq
            assert values == unpack(base64.b64decode(full["statuses"]), 50)


def test_tickets_filters(box, event):
    """status, section and type_id, alone and together; something unknown finds nothing; a wrong value is 422."""
    mix(box, event)
    back = event.section(1)

    def listed(**params):
        return [ticket["seat_index"] for ticket in box.public.pages(f"{event.path}/tickets", "tickets", params)]

    assert listed(status="held") == [0, 8]
    assert listed(status="sold") == [1, 13]
    assert listed(status="blocked", limit=2) == [2, 9, 10]
    assert listed(section=back) == [13, 14, 15, 16]
    assert listed(section=back.upper()) == [13, 14, 15, 16]
    assert listed(section=back, status="available", limit=1) == [14, 15, 16]
    assert listed(type_id="standing") == list(range(8, 13))
    assert listed(type_id="standing", section=back) == []
    assert listed(type_id="balcony") == []
    assert listed(section=new_id()) == []
    for name, value in (("status", "free"), ("section", "x"), ("limit", "0"), ("limit", "1001"), ("cursor", "!")):
        reply = box.public.get(f"{event.path}/tickets", params={name: value}, expect=422)
        assert reply.pointers == [f"/{name}"]


@pytest.mark.parametrize("limit", [1, 5, 17, 1000])
def test_tickets_pages(box, event, limit):
    """Pages of any size: every ticket once, in order."""
    page = box.public.get(f"{event.path}/tickets", params={"limit": limit})
    assert len(page["tickets"]) == min(limit, 17)
    listed = box.public.pages(f"{event.path}/tickets", "tickets", {"limit": limit})
    assert [ticket["seat_index"] for ticket in listed] == list(range(17))


def test_ticket(box, event):
    """One ticket with its section, row, seat; null where places have no numbers; 404 for one that is not this event's."""
    ticket = box.public.get(f"{event.path}/tickets/{event.ticket(7)}")
    assert (ticket["section_name"], ticket["row"], ticket["seat"], ticket["type_id"]) == ("Front", "B", "2a", "regular")
    assert (ticket["price"], ticket["status"], ticket["section"]) == ("45.00", "available", event.section(0))
    place = box.public.get(f"{event.path}/tickets/{event.ticket(8)}")
    assert (place["row"], place["seat"], place["type_id"]) == (None, None, "standing")
    other = box.event()
    for ticket_id in (event.ticket(17), other.ticket(0), new_id(), event.id):
        box.public.get(f"{event.path}/tickets/{ticket_id}", expect=404)


def test_of_no_event(box):
    """Every read of an event that is not there is 404."""
    for path in ("", "/sections", "/seatmap", "/availability", "/tickets", f"/tickets/{new_id()}"):
        box.public.get(f"/v1/events/{new_id()}{path}", expect=404, problem="not-found")
