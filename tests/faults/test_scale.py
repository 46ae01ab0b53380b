"""The largest of what is allowed, and many holds at once; figures are of the release build only."""

import collections
import json
import re
import threading

import httpx
import pytest

from box import Box, Event, new_id, rows_of, until
from harness import scaled

SEATS = 1000000
TICKET_BYTES = 64  # of memory, for a ticket that is just there


def sections(count, rows, seats):
    types = [{"type_id": "regular", "price": "45.00", "rows": rows_of(rows, seats)}]
    return [{"name": f"Block {i}", "types": types} for i in range(count)]


def test_million_seats(new_server):
    server = new_server()
    empty, judged = server.memory()
    box = Box(server)
    body = {"name": "Plain", "timezone": "Europe/Berlin", "sections": sections(100, 200, 50)}
    venue = json.loads(box.key.post("/v1/venues", body, expect=201, check=False).text)
    assert sum(kind["seats_count"] for section in venue["sections"] for kind in section["types"]) == SEATS
    event = Event(box, box.key.post("/v1/events", box.event_body(venue, published=True), expect=201).json, venue)
    assert event.total == SEATS
    buyer = box.session()
    buyer.hold(event, 0, SEATS - 1)
    server.restart()  # the log becomes tables
    server.restart()
    assert event.counts() == (SEATS - 2, 2, 0, 0)
    full, _ = server.memory()
    if judged:
        assert (full - empty) / SEATS < TICKET_BYTES
    raw = event.availability(headers={"Accept": "application/octet-stream"}, check=False)
    assert len(raw.content) == SEATS // 4
    assert (raw.content[0] & 3, raw.content[-1] >> 6) == (1, 1)
    last = box.public.get(f"{event.path}/tickets/{event.ticket(SEATS - 1)}")
    assert (last["seat_index"], last["section_name"], last["row"], last["seat"]) == (SEATS - 1, "Block 99", "200", "50")
    buyer.hold(event, SEATS - 2)
    body["sections"][0]["types"] = [{"type_id": "one", "price": "1.00", "seats_count": 50 * 200 + 1}]
    refused = box.key.post("/v1/venues", body, expect=422, check=False)
    assert "1000000" in refused.text.replace(",", "")


def test_big_body_is_given_back(new_server):
    """A body takes some seven times its size (its bytes, their copy, its tree, the venue), and only while the venue is made."""
    server = new_server()
    seat = [{"label": str(i + 1), "x": 50 * i, "y": 90, "attributes": ["aisle"]} for i in range(100)]
    types = [{"type_id": "regular", "price": "45.00", "rows": [{"row": str(i), "seats": seat} for i in range(100)]}]
    venue = {"name": "Big", "timezone": "UTC", "sections": [{"name": str(i), "types": types} for i in range(scaled(20))]}
    body = json.dumps(venue).encode()
    headers = {"Content-Type": "application/json"}
    before, judged = server.memory()
    for _ in range(2):
        server.key.post("/v1/venues", content=body, headers=headers, expect=201, check=False)
    grown, most = (server.memory(what)[0] - before for what in ("VmRSS", "VmHWM"))
    if judged:
        assert grown < 10 * len(body), f"{grown / len(body):.1f} times the body's size"
        assert most < 12 * len(body), f"{most / len(body):.1f} times the body's size at the most"
    large = b" " * (64 << 20)
    assert server.key.post("/v1/venues", content=large + b" ", headers=headers, check=False).status == 413
    assert server.key.post("/v1/venues", content=large, headers=headers, check=False).status in (400, 422)
    server.public.get("/readyz")


@pytest.fixture
def many(new_server):
    """A server with two events of different hold_seconds, and how many holds to make in each."""
    box = Box(new_server())
    count = scaled(3000)
    venue = box.venue(rows=-(-count // 100), seats=100)
    return box, [box.event(venue, hold_seconds=1 + i, max_tickets_per_session=10000) for i in range(2)], count


def test_many_holds_end_once(many):
    box, events, count = many
    server = box.server
    threads = 8

    def hold(number):
        headers = {"Authorization": f"Bearer {server.api_key}"}
        session = new_id()
        with httpx.Client(base_url=server.url, headers=headers, timeout=60, trust_env=False) as client:
            for seat in range(number, count, threads):
                for event in events:
                    body = {"session_id": session, "seat_indexes": [seat]}
                    made = client.post(f"{event.path}/holds", json=body)
                    assert made.status_code == 201, made.text
                    done.append(made.json()["hold_id"])

    done = []
    workers = [threading.Thread(target=hold, args=(i,)) for i in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(set(done)) == 2 * count
    for event in events:
        until(lambda event=event: event.counts()[1] == 0, "the end of the holds")
    began, ended, after = collections.Counter(), collections.Counter(), None
    with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as client:
        while True:
            params = {"limit": 1000} | ({"after": after} if after else {})
            page = client.get(
                "/v1/cdc/order_queue", params=params, headers={"Authorization": f"Bearer {server.api_key}"}).json()
            for row in page["rows"]:
                assert row["cdc$operation"] in (2, -3)
                (began if row["cdc$operation"] == 2 else ended)[row["hold_id"]] += 1
            after = page["next_cursor"]
            if not page["more"]:
                break
    assert set(began) == set(ended) == set(done)
    assert set(began.values()) == set(ended.values()) == {1}
    metrics = server.public.get("/metrics").text
    assert re.search(rf"^boxoffice_expiry_lateness_seconds_count {2 * count}$", metrics, re.M)
    assert re.search(r"^boxoffice_live_holds 0$", metrics, re.M)


def test_start_with_many_tickets(new_server):
    """40 halls of 50,000 seats (fewer in a small run) are all there after a start, stopped or killed."""
    server = new_server()
    empty, judged = server.memory()
    box = Box(server)
    count = scaled(40)
    venue = box.venue(sections=sections(50, 20, 50))
    ids = {box.event(venue).id for _ in range(count)}
    for end in (server.stop, server.kill):
        end()
        server.start()
        events = box.key.pages("/v1/events", "events")
        assert {event["event_id"] for event in events} == ids
        assert all(event["counts"]["available"] == 50000 for event in events)
    if judged and count == 40:
        assert (server.memory()[0] - empty) / (50000 * count) < TICKET_BYTES
