"""What a client gets at a follower is what it gets at the home, byte for byte; and what only servers may say to servers."""

import concurrent.futures
import functools
import itertools
import json
import uuid

import pytest
from box import Box, new_id, new_slug, until
from harness import API_KEY

SERVE = ["--max-held-per-session", "12"]
# Of every answer but the time, and what is about the connection.
UNCOMPARED = {"date", "connection", "keep-alive"}


def at_once(calls):
    """Makes all calls at the same time; their results in their order."""
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return [made.result() for made in [pool.submit(call) for call in calls]]


@pytest.fixture
def event(pair):
    """An event whose home is the first server."""
    box = Box(pair[0])
    made = box.event(box.venue(rows=4, seats=20), max_tickets_per_session=50)
    assert pair.home(made.id) is pair[0]
    pair.settle(made)
    return made


class Sides:
    """Asks the same of the home (0) and of the follower (1)."""

    def __init__(self, pair, event):
        self.pair = pair
        self.home, self.follower = pair
        self.event = event
        self.buyer = self.home.session()
        self.numbers = itertools.count()

    def ask(self, server, method, path, body=None, *, by=None, key=None, headers=None):
        """The answer as it came: status, headers, body."""
        fields = {"Authorization": f"Bearer {by or API_KEY}"} | ({"Idempotency-Key": key} if key else {}) | (headers or {})
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        if body is not None:
            fields.setdefault("Content-Type", "application/json")
        before = self.forwarded()
        response = server.http.request(method, path, headers=fields, content=body)
        self.was_forwarded = self.forwarded() > before
        server.contract.check(method, path, response.status_code, response.headers, response.content)
        kept = {name: value for name, value in response.headers.items() if name not in UNCOMPARED}
        return response.status_code, kept, response.content

    def forwarded(self):
        return self.follower.metric("cluster_forwarded_total")

    def refused(self, status, method, path, body=None, **kwargs):
        """The same refusal at both. Says whether the home gave it."""
        here = self.ask(self.home, method, path, body, **kwargs)
        there = self.ask(self.follower, method, path, body, **kwargs)
        assert here == there
        assert here[0] == status, here
        return self.was_forwarded

    def done(self, status, method, path, body=None, forwarded=True, **kwargs):
        """It is done at the follower, and repeated at both with the same key: the same answer, but for a replay's mark."""
        key = f"{new_id()}-{next(self.numbers)}"
        first = self.ask(self.follower, method, path, body, key=key, **kwargs)
        assert self.was_forwarded == forwarded, first
        again = self.ask(self.home, method, path, body, key=key, **kwargs)
        once_more = self.ask(self.follower, method, path, body, key=key, **kwargs)
        assert first[0] == status, first
        assert again == once_more
        assert again[1].pop("idempotent-replayed") == "true"
        assert first == again
        return json.loads(first[2]) if first[2] else None

    def same_shape(self, status, first, second):
        """Two writes of the same kind, one at each side: the same header fields, the same members."""
        assert first[0] == second[0] == status, (first, second)
        assert set(first[1]) == set(second[1])
        assert first[1].get("content-type") == second[1].get("content-type")
        assert bool(first[2]) == bool(second[2])
        if first[2]:
            assert list(json.loads(first[2])) == list(json.loads(second[2]))


@pytest.fixture
def sides(pair, event):
    return Sides(pair, event)


# ---- every write ----


def test_checkout(sides):
    """Hold, extend, order, confirm, refund, cancel, release: each at the follower, and again at the home."""
    event, token = sides.event, sides.buyer.token
    hold = sides.done(201, "POST", f"{event.path}/holds", {"seat_indexes": [0, 1]}, by=token)
    sides.done(200, "POST", f"/v1/holds/{hold['hold_id']}/extend", by=token)
    body = {"hold_id": hold["hold_id"], "buyer": {"name": "Ada", "email": "ada@example.org"}}
    order = sides.done(201, "POST", "/v1/orders", body, by=token)
    path = f"/v1/orders/{order['order_id']}"
    sides.done(200, "POST", f"{path}/confirm", {"payment_reference": "pay-7"})
    sides.done(200, "POST", f"{path}/refund", {"release_seats": True})
    hold = sides.done(201, "POST", f"{event.path}/holds", {"best_available": {"count": 2}}, by=token)
    order = sides.done(201, "POST", "/v1/orders", {"hold_id": hold["hold_id"]}, by=token)
    sides.done(200, "POST", f"/v1/orders/{order['order_id']}/cancel", by=token)
    answers = []
    for server in (sides.home, sides.follower):
        hold = sides.buyer.hold(event, 5, 6)
        answers.append(sides.ask(server, "DELETE", f"/v1/holds/{hold['hold_id']}", by=token))
    assert sides.was_forwarded
    sides.same_shape(204, *answers)
    assert event.counts() == (80, 0, 0, 0)


def test_event_commands(sides):
    """Everything that an organiser does to an event."""
    event = sides.event
    tickets = event.tickets(3, 4)
    sides.done(200, "POST", f"{event.path}/block", {"ticket_ids": tickets})
    sides.done(200, "POST", f"{event.path}/unblock", {"ticket_ids": tickets})
    for action in ("pause", "resume", "unpublish", "publish"):
        sides.done(200, "POST", f"{event.path}/{action}")
    prices = {"prices": [{"section": event.section(), "type_id": "regular", "price_type": "child", "price": "9.00"}]}
    for method, path, body in (("PUT", f"{event.path}/prices", prices), ("PATCH", event.path, {"name": "Southern Lights"})):
        answers = [sides.ask(server, method, path, body) for server in (sides.home, sides.follower)]
        assert sides.was_forwarded
        sides.same_shape(200, *answers)
    sides.done(200, "POST", f"{event.path}/cancel")
    drafts = [Box(sides.home).event(event.venue, published=False) for _ in range(2)]
    sides.pair.settle(*drafts)
    answers = [sides.ask(server, "DELETE", draft.path) for server, draft in zip((sides.home, sides.follower), drafts)]
    assert sides.was_forwarded
    sides.same_shape(204, *answers)


def test_new_things(sides, pair):
    """Venues are made where they are asked for, events where their id belongs: with a key both are the same everywhere."""
    box = Box(sides.home)
    venue = {"name": "Hall", "timezone": "Europe/Berlin", "sections": [{"name": "A", "types": [
        {"type_id": "regular", "price": "5.00", "rows": [{"row": "1", "seats": 4}]}]}]}  # fmt: skip
    made = sides.done(201, "POST", "/v1/venues", venue, forwarded=False)
    homes = set()

    def shows(server, event_id):
        return server.key.get(f"/v1/events/{event_id}", expect=(200, 404)).status == 200

    while len(homes) < 2:  # the id comes from the key: some are made here, some there
        key, body = f"new-{new_id()}", box.event_body(made)
        first = sides.ask(sides.follower, "POST", "/v1/events", body, key=key)
        assert first[0] == 201, first
        event_id = json.loads(first[2])["event_id"]
        home = pair.home(event_id)
        assert sides.was_forwarded == (home is sides.home)
        again = sides.ask(sides.home, "POST", "/v1/events", body, key=key)
        assert again[1].pop("idempotent-replayed") == "true"
        assert first == again
        for server in pair.running():
            until(lambda server=server, event_id=event_id: shows(server, event_id), "the new event")
        homes.add(home)
    taken = box.event_body(made, slug=body["slug"])
    sides.refused(409, "POST", "/v1/events", taken, key=f"taken-{new_id()}")


def test_keys_everywhere(sides):
    """A key that is used at both at once, with the same body: one effect, one answer. With another body: refused."""
    event = sides.event
    for number in range(10):
        key, body = f"both-{new_id()}", {"seat_indexes": [2 * number]}
        session = sides.home.session().session_id
        answers = at_once([
            functools.partial(server.key.post, f"{event.path}/holds", body | {"session_id": session}, headers={"Idempotency-Key": key})
            for server in (sides.home, sides.follower) * 3
        ])  # fmt: skip
        assert [answer.status for answer in answers] == [201] * len(answers)
        assert len({answer.content for answer in answers}) == 1
        assert ["idempotent-replayed" in answer.headers for answer in answers].count(False) == 1
        other = {"seat_indexes": [2 * number + 1], "session_id": session}
        sides.refused(422, "POST", f"{event.path}/holds", other, key=key)
    assert event.counts() == (70, 10, 0, 0)


# ---- every refusal ----


def test_refusals(sides):
    """A refusal is the same at both: what the home says, and what the follower can say by itself."""
    event, token = sides.event, sides.buyer.token
    stranger = sides.home.session()
    hold = sides.buyer.hold(event, 0, 1)
    holds, orders = f"{event.path}/holds", "/v1/orders"
    by_home = [
        sides.refused(409, "POST", holds, {"seat_indexes": [1, 2]}, by=token, key="taken"),
        sides.refused(409, "POST", f"{event.path}/block", {"ticket_ids": event.tickets(0, 7)}),
        sides.refused(409, "POST", f"{event.path}/unblock", {"ticket_ids": event.tickets(7)}),
        sides.refused(429, "POST", holds, {"best_available": {"count": 11}}, by=token),
    ]
    order = sides.buyer.order(hold)
    path = f"{orders}/{order['order_id']}"
    by_home.append(sides.refused(409, "POST", orders, {"hold_id": hold["hold_id"]}, by=token))
    sides.buyer.post(f"{path}/cancel", expect=200)
    by_home += [
        sides.refused(409, "POST", f"{path}/confirm", {"payment_reference": "pay-1"}),
        sides.refused(409, "POST", f"{path}/cancel", by=token),
        sides.refused(409, "POST", f"/v1/holds/{hold['hold_id']}/extend", by=token),
        sides.refused(409, "DELETE", f"/v1/holds/{hold['hold_id']}", by=token),
        sides.refused(409, "DELETE", event.path),
    ]
    assert all(by_home), by_home
    assert not sides.refused(409, "POST", f"{path}/refund", {}), "what has ended is read by the follower itself"

    unknown = uuid.uuid4()
    for status, method, path, body in (
        (404, "POST", f"/v1/events/{unknown}/holds", {"seat_indexes": [0]}),
        (404, "POST", f"/v1/holds/{unknown}/extend", None),
        (404, "DELETE", f"/v1/holds/{unknown}", None),
        (404, "POST", f"/v1/orders/{unknown}/cancel", None),
        (404, "POST", orders, {"hold_id": str(unknown)}),
        (422, "POST", holds, {"seat_indexes": [80]}),
        (422, "POST", holds, {"seat_indexes": []}),
        (400, "POST", holds, {"seats": [1]}),
        (400, "POST", holds, b"{"),
    ):
        sides.refused(status, method, path, body, by=token)
    for status, method, path, body in (
        (422, "PATCH", event.path, {"name": ""}),
        (422, "PUT", f"{event.path}/prices", {"prices": [{"section": event.section(), "type_id": "none", "price": "1.00"}]}),
        (404, "DELETE", f"/v1/events/{unknown}", None),
        (404, "POST", f"/v1/orders/{unknown}/confirm", {"payment_reference": "x"}),
    ):
        sides.refused(status, method, path, body)
    sides.refused(401, "POST", holds, {"seat_indexes": [9]}, by="nobody")
    sides.refused(403, "POST", f"{event.path}/pause", by=token)
    sides.refused(415, "POST", holds, b"x", by=token, headers={"Content-Type": "text/plain"})
    other = sides.buyer.hold(event, 0)
    for method, path in (("POST", f"/v1/holds/{other['hold_id']}/extend"), ("DELETE", f"/v1/holds/{other['hold_id']}")):
        sides.refused(404, method, path, by=stranger.token)
    event.post("pause", expect=200)
    sides.refused(409, "POST", holds, {"seat_indexes": [9]}, by=token)


def test_own_writes_are_seen_everywhere(sides):
    """A forwarded write is shown where it was asked for when its answer is there; and what owners read, at any server."""
    event, buyer = sides.event, sides.follower.session()
    for seat in range(10):
        hold = buyer.hold(event, seat)
        shown = sides.follower.public.get(f"{event.path}/availability")
        assert shown.seq >= hold.seq and shown["held"] == 1
        at_home = sides.home.client(buyer.token)
        assert at_home.get(f"/v1/holds/{hold['hold_id']}")["status"] == "active"
        at_home.delete(f"/v1/holds/{hold['hold_id']}", expect=204)
        assert buyer.get(f"/v1/holds/{hold['hold_id']}")["status"] == "released"


# ---- what only servers may ----


def test_internal_paths_are_for_servers(pair, event):
    """Without the secret, or with a wrong one, there is nothing there: the answer is that of a path that does not exist."""
    nowhere = pair[0].http.get("/internal/v1/nothing")
    outbox = f"/internal/v1/outbox?reader={new_id()}&from={new_id()}&after=0"
    wrong = pair.secret["Boxoffice-Cluster"]
    wrong = ("A" if wrong[0] != "A" else "B") + wrong[1:]
    for server in pair.running():
        for path in (outbox, f"/internal/v1/events/{event.id}/image"):
            for headers in ({}, {"Boxoffice-Cluster": ""}, {"Boxoffice-Cluster": wrong}, {"Boxoffice-Cluster": wrong[:-1]},
                            {"Authorization": f"Bearer {API_KEY}"}):  # fmt: skip
                reply = server.http.get(path, headers=headers)
                assert (reply.status_code, reply.content) == (404, nowhere.content)
    assert pair[0].http.get(f"/internal/v1/events/{event.id}/image", headers=pair.secret).status_code == 200
    assert pair[1].http.get(f"/internal/v1/events/{event.id}/image", headers=pair.secret).status_code == 503


FORGED = [
    {"Boxoffice-Request-Id": new_id()},
    {"Boxoffice-Server": new_id()},
    {"Boxoffice-Client": "192.0.2.7"},
    {"Boxoffice-Not-Home": "1"},
    {"Boxoffice-Cluster": "A" * 43, "Boxoffice-Server": new_id(), "Boxoffice-Request-Id": new_id()},
]


@pytest.mark.parametrize("forged", FORGED, ids=lambda forged: "+".join(forged))
def test_forged_headers_count_nothing(sides, forged):
    """What servers say to servers counts with the secret only: with forged headers each request is answered as without."""
    event, buyer = sides.event, sides.buyer
    seats = itertools.count()
    for server in (sides.home, sides.follower, sides.home):  # the same Boxoffice-Request-Id, again
        client = server.client(buyer.token)
        hold = client.post(f"{event.path}/holds", {"seat_indexes": [next(seats)]}, headers=forged, expect=201)
        assert not [name for name in hold.headers if name.startswith("boxoffice-")]
        client.delete(f"/v1/holds/{hold['hold_id']}", headers=forged, expect=204)


def test_a_follower_does_not_forward_what_was_forwarded(pair, event):
    """A request that came from a server is answered by its home or not at all: it does not go round."""
    forwarded = pair[1].metric("cluster_forwarded_total")
    headers = {
        **pair.secret, "Boxoffice-Request-Id": new_id(), "Boxoffice-Server": new_id(), "Authorization": f"Bearer {API_KEY}",
    }  # fmt: skip
    reply = pair[1].http.post(f"{event.path}/pause", headers=headers)
    assert reply.status_code == 503 and reply.headers["boxoffice-not-home"] == "1"
    assert int(reply.headers["retry-after"]) >= 1
    assert pair[1].metric("cluster_forwarded_total") == forwarded
    assert event.get()["event_status"] == "scheduled"


# ---- the budget ----


def test_session_budget_is_one(pair):
    """A session gets no more by asking at several servers, for events of several homes; what ends comes back."""
    events = []
    for server in pair.running():
        box = Box(server)
        events.append(box.event(box.venue(rows=2, seats=20), max_tickets_per_session=50))
    pair.settle(*events)
    buyer = pair[0].session()
    at = [server.client(buyer.token) for server in pair.running()]
    first = at[1].post(f"{events[0].path}/holds", {"seat_indexes": [0, 1, 2, 3, 4]}, expect=201)
    at[0].post(f"{events[1].path}/holds", {"seat_indexes": [0, 1, 2, 3, 4]}, expect=201)
    pair.settle(*events)
    for client in at:
        for event in events:
            reply = client.post(f"{event.path}/holds", {"seat_indexes": [7, 8, 9]}, problem="hold-budget", expect=429)
            assert (reply["scope"], reply["limit"], reply["held"]) == ("session", 12, 10)
    at[0].delete(f"/v1/holds/{first['hold_id']}", expect=204)
    pair.settle(*events)
    at[1].post(f"{events[1].path}/holds", {"seat_indexes": [7, 8, 9]}, expect=201)


def test_a_new_slug_is_free_once(pair):
    """Two servers are asked for the same slug at once, again and again: one event."""
    box = Box(pair[0])
    venue = box.venue()
    for _ in range(5):
        body = box.event_body(venue, slug=new_slug())
        answers = at_once([functools.partial(server.key.post, "/v1/events", body) for server in (*pair, *pair)])
        assert sorted(answer.status for answer in answers) == [201, 409, 409, 409]
        assert {answer.problem for answer in answers} == {None, "slug-taken"}
