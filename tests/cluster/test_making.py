"""An event whose making was interrupted: made whole by whoever is asked again, or its slug is free again."""

import threading
import uuid

import httpx
import pytest
from box import Box, new_id, until
from harness import API_KEY
from tables import Tables

pytestmark = pytest.mark.timeout(300)  # against hanging
SERVE = ["--server-lease-ms", "2000"]
TICKETS = 50_000


@pytest.fixture
def tables(pair):
    return Tables(pair.keyspace)


def ask(server, body, key):
    """Ask for an event; the reply, or None when the server went away."""
    headers = {"Authorization": f"Bearer {API_KEY}", "Idempotency-Key": key}
    try:
        return httpx.post(f"{server.url}/v1/events", json=body, headers=headers, timeout=120, trust_env=False)
    except httpx.TransportError:
        return None


def stored(tables, event_id):
    statement = "SELECT count(*) AS n FROM {}tickets WHERE event_id = %s"
    return tables.execute(statement, event_id)[0]["n"]


def begun(tables, slug):
    """The id of the event that is being made under a slug, or None."""
    found = tables.execute("SELECT event_id FROM {}event_slugs WHERE slug = %s", slug)
    return found[0]["event_id"] if found else None


def interrupt(pair, tables, body, key):
    """Kill the server that makes an event when some of its tickets are there. Returns it, and the event's id."""
    asked = pair[0]
    thread = threading.Thread(target=ask, args=(asked, body, key))
    thread.start()
    event_id = until(lambda: begun(tables, body["slug"]), "the claim of the slug", pause=0.001)
    some = "SELECT ticket_id FROM {}tickets WHERE event_id = %s LIMIT 1"
    until(lambda: tables.execute(some, event_id), "the first tickets", pause=0.001)
    # Which of the two makes it follows from the key; nobody says so before it is there.
    killed = maker(pair)
    killed.kill()
    thread.join()
    return killed, event_id


def maker(pair):
    """Who is writing tickets: the one that has written to the cluster since it was looked at."""
    name = "cql_write_seconds_count"
    before = [server.metric(name) for server in pair.running()]
    grown = until(lambda: [server for server, count in zip(pair, before, strict=True) if server.metric(name) > count + 5], "writes", pause=0)
    return grown[0]


@pytest.fixture
def hall(pair):
    return Box(pair[0]).venue(rows=500, seats=100)


def test_a_fill_goes_on_elsewhere(pair, tables, hall):
    """kill -9 in the middle of 50,000 tickets, and the same request with its key at the other: one event, every ticket."""
    body, key = Box(pair[0]).event_body(hall), f"fill-{new_id()}"
    killed, event_id = interrupt(pair, tables, body, key)
    assert not tables.statics(event_id) or not tables.statics(event_id)["seq"], "it was not interrupted"
    [other] = pair.running()

    def made():
        reply = ask(other, body, key)
        assert reply is not None and reply.status_code in (201, 503), reply
        return reply if reply.status_code == 201 else None

    reply = until(made, "the event")
    event = reply.json()
    assert uuid.UUID(event["event_id"]) == event_id, "a second event"
    assert event["tickets_created"] == TICKETS == stored(tables, event_id)
    killed.start()
    pair.settle()
    for server in pair.running():
        again = ask(server, body, key)
        assert again.headers["idempotent-replayed"] == "true" and again.content == reply.content
        until(lambda server=server: server.key.get(f"/v1/events/{event_id}", expect=(200, 404)).status == 200, "the event")
        shown = server.key.get(f"/v1/events/{event_id}")
        assert shown["counts"]["total"] == shown["counts"]["available"] == TICKETS
        found = server.key.get("/v1/events", params={"slug": body["slug"]})["events"]
        assert [one["event_id"] for one in found] == [str(event_id)]


def test_an_abandoned_slug_is_free_again(pair, tables, hall):
    """
    Who claimed a slug and died has it for the time of the claim and no longer. (The claim is ended here as its TTL ends it:
    the row is gone.)
    """
    body, key = Box(pair[0]).event_body(hall), f"abandoned-{new_id()}"
    killed, event_id = interrupt(pair, tables, body, key)
    [other] = pair.running()
    [claim] = tables.execute("SELECT TTL(event_id) AS ttl FROM {}event_slugs WHERE slug = %s", body["slug"])
    assert 0 < claim["ttl"] <= 900
    small = Box(other).event_body(Box(other).venue(), slug=body["slug"])
    until(lambda: other.key.post("/v1/events", small).problem == "slug-taken", "the slug is taken")
    tables.execute("DELETE FROM {}event_slugs WHERE slug = %s IF EXISTS", body["slug"])
    made = until(lambda: (reply := other.key.post("/v1/events", small)).status == 201 and reply, "the slug")
    assert uuid.UUID(made["event_id"]) != event_id
    assert begun(tables, body["slug"]) == uuid.UUID(made["event_id"])
    assert tables.execute("SELECT TTL(event_id) AS ttl FROM {}event_slugs WHERE slug = %s", body["slug"])[0]["ttl"] is None
    assert ask(other, body, key).status_code == 409, "the slug is another event's now"
    killed.start()
    pair.settle()
