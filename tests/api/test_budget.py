"""Budgets: how many seats a session, and a network address, can have on hold at once, over all events."""

import threading

import pytest

from box import Box, parse_time, until

PROXY = {"args": ["--max-held-per-session", "4", "--max-held-per-address", "6", "--trusted-proxies", "10.0.0.0/8,127.0.0.1"]}


@pytest.fixture
def stingy(new_server):
    """A server with small budgets that trusts this machine as a proxy."""
    return Box(new_server(**PROXY))


def at(address):
    """The header of a proxy that was called from @address."""
    return {"X-Forwarded-For": address}


def refused(reply, scope, limit, held):
    """It says whose budget, how much, and when to come again, as a time and in seconds."""
    assert (reply.status, reply.problem) == (429, "hold-budget"), reply
    assert (reply["scope"], reply["limit"], reply["held"]) == (scope, limit, held)
    assert reply["detail"].startswith("This session has" if scope == "session" else "All buyers at this address have")
    assert reply["retry_at"] in reply["detail"]
    assert int(reply.headers["retry-after"]) >= 1
    return reply


def test_a_session_over_two_events(stingy):
    """What is held in all events counts; what is given back or bought does not."""
    concert, opera = stingy.event(), stingy.event(hold_seconds=100)
    buyer, other = stingy.session(), stingy.session()
    first = buyer.hold(concert, 0, 1)
    second = buyer.hold(opera, 0)
    said = refused(buyer.hold(opera, 5, 6, expect=429), "session", 4, 3)
    assert said["retry_at"] == second["expires_at"], "the first that ends"
    assert 1 <= int(said.headers["retry-after"]) <= 100
    assert said.headers["cache-control"] == "no-store"
    assert opera.status(5) == opera.status(6) == "available"
    refused(buyer.best(concert, 2, expect=429), "session", 4, 3)
    other.hold(opera, 5, 6)
    buyer.delete(f"/v1/holds/{second['hold_id']}", expect=204)
    third = buyer.hold(opera, 7, 8)
    assert refused(buyer.hold(concert, 9, expect=429), "session", 4, 4)["retry_at"] == third["expires_at"]
    order = buyer.order(first)
    refused(buyer.hold(concert, 9, expect=429), "session", 4, 4)
    stingy.confirm(order)
    buyer.hold(concert, 9, 10)
    refused(buyer.hold(concert, 11, expect=429), "session", 4, 4)


def test_what_is_told_first(stingy):
    """Seats that are taken are taken, over the budget or not; so is an event that is not on sale."""
    event = stingy.event()
    buyer = stingy.session()
    buyer.hold(event, 0, 1, 2, 3)
    for key in ({}, {"Idempotency-Key": "k"}):
        assert buyer.hold(event, 3, expect=409, headers=key).problem == "seats-taken"
        refused(buyer.hold(event, 4, expect=429, headers=key), "session", 4, 4)
    event.post("pause", expect=200)
    assert buyer.hold(event, 4, expect=409).problem == "not-on-sale"


def test_more_than_the_limit(stingy):
    """A request that alone is over the limit: no time is named, since waiting does not help."""
    event = stingy.event()
    said = stingy.session().hold(event, 0, 1, 2, 3, 4, expect=429)
    assert (said.problem, said["scope"], said["limit"], said["held"], said["retry_at"]) == ("hold-budget", "session", 4, 0, None)
    assert "retry-after" not in said.headers
    assert event.counts() == (20, 0, 0, 0)


def test_a_hundred_at_once(stingy):
    """However many requests of one session race, no more seats are held than it may."""
    event = stingy.event(stingy.venue(rows=10, seats=10), max_tickets_per_session=100)
    buyer = stingy.session()
    codes, start = [], threading.Barrier(50)

    def ask(seat):
        start.wait()
        for mine in (seat, seat + 50):
            codes.append(buyer.hold(event, mine, expect=(201, 429)).status)

    threads = [threading.Thread(target=ask, args=(seat,)) for seat in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [201] * 4 + [429] * 96
    assert event.counts() == (96, 4, 0, 0)
    assert stingy.server.metric("hold_budget_session_refusals_total") == 96
    assert stingy.server.metric("hold_budget_address_refusals_total") == 0


def test_an_address(stingy):
    """All sessions of an address share its budget; a new session does not help, another address does."""
    event = stingy.event()
    first, second, third = (stingy.session() for _ in range(3))
    hold = first.hold(event, 0, 1, 2, headers=at("192.0.2.1"))
    second.hold(event, 3, 4, headers=at("192.0.2.1"))
    said = refused(third.hold(event, 5, 6, expect=429, headers=at("192.0.2.1")), "address", 6, 5)
    assert said["retry_at"] == hold["expires_at"]
    assert stingy.server.metric("hold_budget_address_refusals_total") == 1
    third.hold(event, 5, headers=at("192.0.2.1"))
    refused(third.hold(event, 6, expect=429, headers=at("::ffff:192.0.2.1")), "address", 6, 6)
    third.hold(event, 6, headers=at("192.0.2.2"))
    first.delete(f"/v1/holds/{hold['hold_id']}", expect=204)
    third.hold(event, 7, headers=at("192.0.2.1"))


def test_what_the_client_wrote_itself(stingy):
    """Only what the last trusted proxy wrote counts: all fields are one list, read from its end."""
    event = stingy.event()
    buyers = [stingy.session() for _ in range(3)]
    forms = ["192.0.2.1", "203.0.113.9, 192.0.2.1", "192.0.2.1, 10.1.2.3", "x,192.0.2.1 ,10.0.0.1", "192.0.2.1:4711"]
    for seat, form in enumerate(forms):
        buyers[seat % 3].hold(event, seat, headers=at(form))
    buyers[0].hold(event, 5, headers=[("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-For", "192.0.2.1")])
    refused(buyers[1].hold(event, 6, expect=429, headers=at("192.0.2.1")), "address", 6, 6)
    buyers[1].hold(event, 6, headers=at("192.0.2.1, 203.0.113.9"))


def test_ipv6_by_its_64(stingy):
    """An IPv6 /64 is one client."""
    event = stingy.event()
    buyers = [stingy.session() for _ in range(3)]
    for seat in range(6):
        buyers[seat % 3].hold(event, seat, headers=at(f"2001:db8:0:1::{seat}"))
    refused(buyers[0].hold(event, 7, expect=429, headers=at("2001:db8:0:1:ffff::")), "address", 6, 6)
    buyers[0].hold(event, 7, headers=at("2001:db8:0:2::"))


def test_a_peer_that_is_not_trusted(new_server):
    """What it says of its clients is passed over, and the log says so once, without an address."""
    box = Box(new_server(args=["--max-held-per-address", "2", "--trusted-proxies", "10.0.0.0/8"]))
    event = box.event()
    for seat in range(5):
        box.session().hold(event, seat, headers=at("192.0.2.1"))
    box.session().hold(event, 5, headers=at("10.0.0.1"))
    said = [line for line in box.server.stderr().splitlines() if "--trusted-proxies" in line]
    assert len(said) == 1
    assert "192.0.2" not in box.server.stderr()


def test_this_machine_is_not_counted(stingy):
    """No proxy said where it comes from: that is this machine's operator, or a proxy here that tells nothing."""
    event = stingy.event()
    for seat in range(10):
        stingy.session().hold(event, seat)
    for seat, form in enumerate(["127.0.0.1", "::1", "nonsense", "::ffff:127.9.9.9"], start=10):
        stingy.session().hold(event, seat, headers=at(form))
    assert stingy.server.metric("hold_budget_address_refusals_total") == 0


def test_an_api_key_is_not_bound(stingy):
    """A counter holds what it likes; what it holds for a session is that session's, and no address's."""
    event = stingy.event()
    buyer, other = stingy.session(), stingy.session()
    body = {"session_id": buyer.session_id, "seat_indexes": [0, 1, 2, 3, 4, 5, 6]}
    stingy.key.post(f"{event.path}/holds", body, expect=201, headers=at("192.0.2.1"))
    refused(buyer.hold(event, 8, expect=429, headers=at("192.0.2.1")), "session", 4, 7)
    other.hold(event, 8, 9, 10, 11, headers=at("192.0.2.1"))


def test_replay(stingy):
    """A repeat with the same Idempotency-Key is the first answer, over the budget or not; a refusal is not kept."""
    event = stingy.event()
    buyer = stingy.session()
    first = buyer.hold(event, 0, 1, headers={"Idempotency-Key": "a"})
    buyer.hold(event, 2, 3)
    again = buyer.hold(event, 0, 1, headers={"Idempotency-Key": "a"})
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json == first.json
    refused(buyer.hold(event, 4, expect=429, headers={"Idempotency-Key": "b"}), "session", 4, 4)
    buyer.delete(f"/v1/holds/{first['hold_id']}", expect=204)
    assert "idempotent-replayed" not in buyer.hold(event, 4, headers={"Idempotency-Key": "b"}).headers


def test_time_frees(stingy):
    """When the time has come that the refusal named, there is room."""
    event = stingy.event(hold_seconds=1)
    buyer = stingy.session()
    hold = buyer.hold(event, 0, 1, 2, 3)
    said = buyer.hold(event, 4, expect=(201, 429))
    assert said.status == 201 or said["retry_at"] == hold["expires_at"]
    made = until(lambda: next((r for r in [buyer.hold(event, 5, expect=(201, 429))] if r.status == 201), None), "room")
    assert parse_time(made["now"]) >= parse_time(hold["expires_at"])


def test_restart(stingy):
    """Holds outlive a restart and still count for their session; addresses are not stored, so theirs do not."""
    event = stingy.event()
    buyers = [stingy.session() for _ in range(2)]
    hold = buyers[0].hold(event, 0, 1, 2, 3, headers=at("192.0.2.1"))
    buyers[1].hold(event, 4, 5, headers=at("192.0.2.1"))
    stingy.server.restart()
    said = refused(buyers[0].hold(event, 6, expect=429, headers=at("192.0.2.1")), "session", 4, 4)
    assert said["retry_at"] == hold["expires_at"]
    buyers[1].hold(event, 6, headers=at("192.0.2.1"))
    buyers[0].delete(f"/v1/holds/{hold['hold_id']}", expect=204)
    buyers[0].hold(event, 0, 1, 2, 3, headers=at("192.0.2.1"))
    refused(stingy.session().hold(event, 7, 8, expect=429, headers=at("192.0.2.1")), "address", 6, 5)


def test_no_limits(new_server):
    """0: any number."""
    box = Box(new_server(args=["--max-held-per-session", "0", "--max-held-per-address=0"]))
    event = box.event(box.venue(rows=3, seats=100), max_tickets_per_session=300)
    buyer = box.session()
    for row in range(3):
        buyer.best(event, 100)
    assert event.counts() == (0, 300, 0, 0)


def test_defaults(own_box):
    """A session may hold whatever an event allows it."""
    event = own_box.event(own_box.venue(rows=25, seats=100), max_tickets_per_session=2500)
    buyer = own_box.session()
    for _ in range(25):
        buyer.best(event, 100)
    assert buyer.best(event, 1, expect=409).problem == "not-enough-seats"
    assert event.counts() == (0, 2500, 0, 0)
