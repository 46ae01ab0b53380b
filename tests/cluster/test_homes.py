"""Several servers decide about the events of one keyspace: whose they are, what happens when one comes, goes, dies or thaws."""

import subprocess
import threading

from box import Box, new_id, until
from harness import API_KEY, binary, clean_env

EVENTS = 8


def homes(server):
    """How many events a server decides about."""
    return server.metric("cluster_homes")


def servers_seen(server):
    return server.metric("cluster_servers")


def make_events(server, count=EVENTS, **members):
    box = Box(server)
    venue = box.venue(rows=10, seats=20)
    return [box.event(venue, **members) for _ in range(count)]


def shared(fleet, count=EVENTS):
    """Two servers, each of which decides about some of the events. By how the ids fall one might get none: then more are made."""
    fleet.start(2)
    events = make_events(fleet[0], count)
    while not (homes(fleet[0]) and homes(fleet[1])):
        events += make_events(fleet[1], 2)
    until(lambda: homes(fleet[0]) + homes(fleet[1]) == len(events), "each event has one home")
    return events


def hold(server, event, *seats, expect=(201, 409, 503), **kwargs):
    body = {"seat_indexes": list(seats), "session_id": new_id()}
    return server.key.post(f"{event.path}/holds", body, expect=expect, **kwargs)


def test_every_server_sells_every_event(fleet, tables):
    """Whichever server is asked: one seat is held once, and who wrote to a server sees there what it wrote."""
    events = shared(fleet)
    for number, event in enumerate(events):
        first, second = (fleet[0], fleet[1]) if number % 2 else (fleet[1], fleet[0])
        made = hold(first, event, 0, 1, expect=201)
        assert first.key.get(event.path)["counts"]["held"] == 2
        hold(second, event, 1, 2, expect=409)
        order = second.key.post("/v1/orders", {"hold_id": made["hold_id"]}, expect=201)
        first.key.post(f"/v1/orders/{order['order_id']}/confirm", {"payment_reference": "pay"}, expect=200)
        assert second.key.get(f"/v1/orders/{order['order_id']}")["status"] == "paid"
        for server in fleet:
            until(lambda server=server, event=event: server.key.get(event.path)["counts"]["sold"] == 2, "the sale is shown")
    for event in events:
        tables.check(event.id)


def test_a_key_makes_one_event(fleet):
    """The same POST /v1/events at two servers at once: one event, and both are told of it."""
    fleet.start(2)
    box = Box(fleet[0])
    body = box.event_body(box.venue())
    for number in range(6):
        body["slug"] = f"once-{number}"
        headers = {"Idempotency-Key": f"key-{number}"}
        replies = [None, None]

        def make(index, body=dict(body), headers=headers, replies=replies):
            replies[index] = fleet[index].key.post("/v1/events", body, headers=headers, expect=(201, 503))

        threads = [threading.Thread(target=make, args=(index,)) for index in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        made = [until(lambda server=server, body=dict(body), headers=headers: _made(server, body, headers), "an answer") for server in fleet]
        assert made[0] == made[1]


def _made(server, body, headers):
    reply = server.key.post("/v1/events", body, headers=headers, expect=(201, 503))
    return reply.status == 201 and reply["event_id"]


def test_killed(fleet, tables):
    """After kill -9 the other one takes over: what was acknowledged is there, and the sale goes on by itself."""
    events = shared(fleet)
    held = [hold(fleet[number % 2], event, 0, expect=201)["hold_id"] for number, event in enumerate(events)]
    fleet[0].kill()
    left = fleet[1]
    for event, hold_id in zip(events, held):
        until(lambda event=event: hold(left, event, 5, expect=(201, 409, 503)).status != 503, "somebody decides again")
        hold(left, event, 0, expect=409)
        assert left.key.get(f"/v1/holds/{hold_id}")["status"] == "active"
    until(lambda: homes(left) == len(events), "everything is taken over")
    for event in events:
        tables.check(event.id)


def test_killed_while_it_sells(fleet, tables):
    """In the middle of a crowd: each seat that was acknowledged is held by that hold, and nobody else's."""
    events = shared(fleet)
    acknowledged, lock, ended = {}, threading.Lock(), threading.Event()

    def buy(event):
        seat = 0
        while seat < event.total and not ended.is_set():
            reply = hold(fleet[1], event, seat)
            if reply.status == 201:
                with lock:
                    acknowledged[event.id, seat] = reply["hold_id"]
            seat += reply.status != 503

    threads = [threading.Thread(target=buy, args=(event,)) for event in events]
    for thread in threads:
        thread.start()
    until(lambda: len(acknowledged) > 20, "a sale")
    fleet[0].kill()
    until(lambda: homes(fleet[1]) == len(events), "everything is taken over")
    sold_before = len(acknowledged)
    until(lambda: len(acknowledged) > sold_before + 20, "the sale goes on")
    ended.set()
    for thread in threads:
        thread.join()
    for event in events:
        tables.check(event.id)
    for (event_id, seat), hold_id in acknowledged.items():
        found = fleet[1].key.get(f"/v1/holds/{hold_id}")
        assert (found["event_id"], found["status"], found["tickets"][0]["seat_index"]) == (event_id, "active", seat)


def test_frozen_and_thawed(fleet, tables):
    """A server that stands still loses its events; when it thaws it is refused, and goes on as one that sends requests on."""
    events = shared(fleet)
    fleet[0].freeze()
    until(lambda: homes(fleet[1]) == len(events), "everything is taken over")
    for event in events:
        hold(fleet[1], event, 7, expect=201)
    fleet[0].thaw()
    for event in events:
        until(lambda event=event: hold(fleet[0], event, 7, expect=(409, 503)).status == 409, "it has heard of it")
        until(lambda event=event: hold(fleet[0], event, 8, expect=(201, 409, 503)).status != 503, "it sells again")
        hold(fleet[1], event, 8, expect=409)
    until(lambda: homes(fleet[0]) and homes(fleet[0]) + homes(fleet[1]) == len(events), "it has its share again")
    for event in events:
        tables.check(event.id)


def test_stopped_in_the_middle_of_a_sale(fleet, tables):
    """SIGTERM gives everything away first: nobody who buys at the other server is refused, though some may wait."""
    events = shared(fleet)
    answers, ended = [], threading.Event()

    def buy(event):
        for seat in range(event.total):
            if ended.is_set():
                return
            answers.append(hold(fleet[1], event, seat).status)

    threads = [threading.Thread(target=buy, args=(event,)) for event in events]
    for thread in threads:
        thread.start()
    until(lambda: len(answers) > 20, "a sale")
    fleet[0].stop()
    after = len(answers)
    until(lambda: len(answers) > after + 20, "the sale goes on")
    ended.set()
    for thread in threads:
        thread.join()
    assert set(answers) == {201}
    until(lambda: servers_seen(fleet[1]) == 1, "it has left")
    for event in events:
        tables.check(event.id)


def test_a_newcomer_gets_its_share(fleet, tables):
    """It shows everything when it says that it is there; then it is given some events, and nothing is lost."""
    fleet.start()
    events = make_events(fleet[0], 16)
    held = [hold(fleet[0], event, 3, expect=201)["hold_id"] for event in events]
    fleet.start()
    for event, hold_id in zip(events, held):
        assert fleet[1].key.get(event.path)["counts"]["held"] == 1
        assert fleet[1].key.get(f"/v1/holds/{hold_id}")["status"] == "active"
    until(lambda: homes(fleet[1]) > 0 and homes(fleet[0]) + homes(fleet[1]) == len(events), "it has its share")
    for event in events:
        hold(fleet[1], event, 3, expect=409)
        hold(fleet[0], event, 4, expect=201)
        tables.check(event.id)


def test_holds_end_wherever_their_home_was(fleet, tables):
    """Deadlines that pass after their home has died are kept by the one that takes over."""
    fleet.start(2)
    events = make_events(fleet[0], hold_seconds=3)
    for event in events:
        hold(fleet[0], event, 1, 2, expect=201)
    fleet[0].kill()
    for event in events:
        until(lambda event=event: fleet[1].key.get(event.path)["counts"]["held"] == 0, "the hold has ended")
        tables.check(event.id)


def test_the_log_is_complete_on_every_server(fleet):
    """Rows of all events, the same in the same order at both servers, while both write."""
    events = shared(fleet)
    for seat in range(5):
        for event in events:
            hold(fleet[seat % 2], event, seat, expect=201)
    logs = [[(row["event_id"], row["seq"], row["cdc$batch_seq_no"]) for row in Box(server).cdc()[0]] for server in fleet]
    assert len(logs[0]) == 5 * len(events)
    assert logs[0] == logs[1]


def test_other_keys_are_refused(fleet):
    """A server that knows other API keys than the cluster's does not start, and says what to do."""
    fleet.start()
    serve = [binary(), "serve", "--listen", "127.0.0.1:0", "--store", fleet[0].store]
    env = clean_env(BOXOFFICE_API_KEY=API_KEY + "x")
    reply = subprocess.run(serve, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert reply.returncode == 1
    assert "DELETE FROM secrets WHERE name = 'api-keys'" in reply.stderr.splitlines()[-1]
