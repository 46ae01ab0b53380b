"""Idempotency-Key: the first answer again, and the effect only once."""

import json
import threading

import pytest

from box import Box, new_id
from test_import import small


def key_header(key=None):
    return {"Idempotency-Key": key or new_id()}


def is_replay(reply):
    return reply.headers.get("idempotent-replayed") == "true"


def same_answer(first, again):
    """The second is the first one's replay, byte for byte."""
    assert not is_replay(first)
    assert is_replay(again), again
    assert (again.status, again.content) == (first.status, first.content)
    for name in ("location", "change-seq", "content-type", "cache-control"):
        assert again.headers.get(name) == first.headers.get(name), name


def a_venue(box):
    types = [{"type_id": "r", "price": "1", "rows": [{"row": "1", "seats": 3}]}]
    return box.key, "/v1/venues", {"name": "N", "timezone": "UTC", "sections": [{"name": "A", "types": types}]}


def a_hold(box):
    return box.session(), f"{box.event().path}/holds", {"best_available": {"count": 2}}


def an_order(box):
    buyer = box.session()
    return buyer, "/v1/orders", {"hold_id": buyer.hold(box.event(), 0)["hold_id"], "buyer": {"name": "Ada"}}


def an_extension(box):
    buyer = box.session()
    return buyer, f"/v1/holds/{buyer.hold(box.event(), 0)['hold_id']}/extend", None


def a_cancelled_order(box):
    buyer = box.session()
    return buyer, f"/v1/orders/{buyer.order(buyer.hold(box.event(), 0))['order_id']}/cancel", None


def event_action(action, *before, body=None, **members):
    def make(box):
        event = box.event(**members)
        for step in before:
            event.post(step, expect=200)
        return box.key, f"{event.path}/{action}", body

    return make


def seats_action(action, *before):
    def make(box):
        event = box.event()
        body = {"ticket_ids": event.tickets(1, 2)}
        for step in before:
            event.post(step, body, expect=200)
        return box.key, f"{event.path}/{action}", body

    return make


POSTS = {
    "venue": a_venue,
    "import": lambda box: (box.key, "/v1/venues/import", small()),
    "event": lambda box: (box.key, "/v1/events", box.event_body(box.venue())),
    "publish": event_action("publish", published=False),
    "unpublish": event_action("unpublish"),
    "pause": event_action("pause"),
    "resume": event_action("resume", "pause"),
    "event's cancel": event_action("cancel"),
    "block": seats_action("block"),
    "unblock": seats_action("unblock", "block"),
    "hold": a_hold,
    "extend": an_extension,
    "order": an_order,
    "confirm": lambda box: (
        box.key, f"/v1/orders/{box.order(box.event(), 0)['order_id']}/confirm", {"payment_reference": "p"}),
    "cancel": a_cancelled_order,
    "refund": lambda box: (box.key, f"/v1/orders/{box.paid(box.event(), 0)['order_id']}/refund", {"release_seats": False}),
}  # fmt: skip


@pytest.mark.parametrize("name", POSTS)
def test_replay(box, name):
    """Every POST: a repeat with the same bytes is the same answer, marked; nothing happens a second time."""
    client, path, body = POSTS[name](box)
    headers = key_header()
    first = client.post(path, body, expect=(200, 201), headers=headers)
    event_id = (first.json or {}).get("event_id")
    before = box.key.get(f"/v1/events/{event_id}").seq if event_id else None
    for _ in range(2):
        same_answer(first, client.post(path, body, headers=headers))
    if event_id:
        assert box.key.get(f"/v1/events/{event_id}").seq == before


@pytest.mark.parametrize("name", ["venue", "hold", "order", "confirm", "block"])
def test_reused(box, name):
    """The same key with other bytes is 422, even if they mean the same; the first answer stays."""
    client, path, body = POSTS[name](box)
    headers = key_header()
    first = client.post(path, body, expect=(200, 201), headers=headers)
    json_type = {"Content-Type": "application/json"}
    for other in (json.dumps(body, indent=1).encode(), json.dumps(body).encode() + b" "):
        reused = client.post(path, content=other, headers=headers | json_type, expect=422)
        assert reused.problem == "idempotency-key-reused"
    client.post(path, content=b"{}", headers=headers | json_type, expect=422)
    same_answer(first, client.post(path, body, headers=headers))


def test_first_answer_stays(box):
    """A replay is the answer of then, whatever has happened since."""
    event = box.event()
    buyer = box.session()
    headers = key_header()
    hold = buyer.hold(event, 0, headers=headers)
    buyer.delete(f"/v1/holds/{hold['hold_id']}", expect=204)
    box.session().hold(event, 0)
    again = buyer.hold(event, 0, headers=headers)
    same_answer(hold, again)
    assert buyer.get(f"/v1/holds/{hold['hold_id']}")["status"] == "released"
    assert event.counts() == (19, 1, 0, 0)


def test_belongs_to_credential_and_path(box):
    """One key is another one for another credential and for another path."""
    event, other = box.event(), box.event()
    headers = key_header()
    first, second = box.session(), box.session()
    holds = [
        first.best(event, 1), first.hold(event, best_available={"count": 1}, headers=headers),
        second.hold(event, best_available={"count": 1}, headers=headers),
        first.hold(other, best_available={"count": 1}, headers=headers),
    ]  # fmt: skip
    assert len({hold["hold_id"] for hold in holds}) == 4
    assert not any(is_replay(hold) for hold in holds)
    body = {"best_available": {"count": 1}, "session_id": first.session_id}
    assert not is_replay(box.key.post(f"{event.path}/holds", body, expect=201, headers=headers))
    assert event.counts()[1] == 4
    assert is_replay(second.hold(event, best_available={"count": 1}, headers=headers))


def test_keys_of_one_name(new_server, tmp_path):
    """Two API keys with names of their own do not share their Idempotency-Keys."""
    path = tmp_path / "keys"
    path.write_text("one:key-one-0123456789abcdef\ntwo:key-two-0123456789abcdef\n")
    server = new_server(args=["--api-key-file", str(path)], api_key=None)
    headers = key_header()
    body = a_venue(Box(server))[2]
    made = [
        server.client(f"key-{name}-0123456789abcdef").post("/v1/venues", body, expect=201, headers=headers)
        for name in ("one", "two", "one")
    ]  # fmt: skip
    assert made[0]["venue_id"] == made[2]["venue_id"] != made[1]["venue_id"]


def test_refusals_are_not_kept(box):
    """A refusal changed nothing: the same request with the same key is decided anew."""
    event = box.event()
    other = box.session()
    blocking = other.hold(event, 0)
    buyer = box.session()
    headers = key_header()
    assert buyer.hold(event, 0, expect=409, headers=headers).problem == "seats-taken"
    buyer.hold(event, 99, expect=422, headers=headers)
    other.delete(f"/v1/holds/{blocking['hold_id']}", expect=204)
    hold = buyer.hold(event, 0, headers=headers)
    assert not is_replay(hold)
    same_answer(hold, buyer.hold(event, 0, headers=headers))


@pytest.mark.parametrize("name", ["hold", "order", "confirm", "refund", "event", "venue"])
def test_concurrent_duplicates(box, name):
    """Duplicates at the same time wait for the first one's answer: one effect, one answer for all."""
    client, path, body = POSTS[name](box)
    headers = key_header()
    replies, gate = [], threading.Barrier(8)

    def send():
        gate.wait()
        replies.append(client.post(path, body, headers=headers))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(replies) == 8
    assert {reply.status for reply in replies} <= {200, 201}, replies
    assert len({reply.content for reply in replies}) == 1
    assert sum(not is_replay(reply) for reply in replies) == 1


def test_after_a_crash(new_server):
    """A repeat gives the first answer also after kill -9 and a restart."""
    server = new_server()
    box = Box(server)
    event = box.event()
    buyer = box.session()
    keys = [key_header() for _ in range(4)]
    body = a_venue(box)[2]
    venue = box.key.post("/v1/venues", body, expect=201, headers=keys[0])
    hold = buyer.hold(event, 0, 1, headers=keys[1])
    order = buyer.order(hold, headers=keys[2])
    paid = box.confirm(order, headers=keys[3])
    seq = event.get().seq
    server.kill()
    server.start()
    same_answer(venue, box.key.post("/v1/venues", body, headers=keys[0]))
    same_answer(hold, buyer.hold(event, 0, 1, headers=keys[1]))
    same_answer(order, buyer.order(hold, headers=keys[2]))
    same_answer(paid, box.confirm(order, headers=keys[3]))
    assert buyer.hold(event, 2, headers=keys[1], expect=422).problem == "idempotency-key-reused"
    assert event.get().seq == seq
    assert event.counts() == (18, 0, 2, 0)


GOOD = ["x", "!", "~" * 255, 'a"b\\c', "0d6f2f5e-6c1c-4c0f-8f0e-6c9f6d2a7b11"]
BAD = ["", "x" * 256, "a b", "a\tb", b"\xc3\xa4", b"a\x80"]


@pytest.mark.parametrize("key", GOOD)
def test_keys_that_fit(box, key):
    """1 to 255 visible ASCII characters."""
    client, path, body = a_hold(box)
    first = client.post(path, body, expect=201, headers={"Idempotency-Key": key})
    same_answer(first, client.post(path, body, headers={"Idempotency-Key": key}))


@pytest.mark.parametrize("key", BAD)
def test_keys_that_do_not(box, key):
    """Anything else is 422 and nothing is done."""
    event = box.event()
    buyer = box.session()
    reply = buyer.hold(event, 0, expect=422, headers={"Idempotency-Key": key})
    assert reply.pointers == ["/idempotency_key"]
    assert event.counts() == (20, 0, 0, 0)


def test_not_for_sessions(box):
    """The one POST without: each answer is a new session."""
    headers = key_header()
    first = box.public.post("/v1/sessions", headers=headers, expect=201)
    assert box.public.post("/v1/sessions", headers=headers, expect=201)["session_id"] != first["session_id"]
