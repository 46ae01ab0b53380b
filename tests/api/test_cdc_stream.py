"""The change log as a stream: every row once, in order, as it comes, however often one returns."""

import random
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from box import Box
from harness import scaled
from streams import Stream

PATH = "/v1/cdc/order_queue"


def log(box, query="", client=None, **kwargs):
    """The stream of the change log, for `with`."""
    return Stream(client or box.key, PATH + query, **kwargs)


def take(stream, count):
    return [stream.next() for _ in range(count)]


def rows(messages):
    return [message.json for message in messages]


@pytest.fixture
def end(box):
    """A cursor behind all that is in the log now."""
    return box.cdc(after=box.server.log_cursor)[1]


def acting(box, event, seed, count):
    """A buyer who begins and ends checkouts."""
    rng, buyer = random.Random(seed), box.session()
    for _ in range(count):
        held = buyer.hold(event, *rng.sample(range(event.total), rng.randint(1, 4)), expect=(201, 409))
        if held.status == 409:
            continue
        end = rng.choice(["release", "sell", "extend", "expire"])
        if end == "release":
            buyer.delete(f"/v1/holds/{held['hold_id']}", expect=(204, 409))
        elif end == "sell":
            order = buyer.order(held, expect=(201, 409))
            if order.status == 201:
                box.confirm(order, expect=(200, 409))
        elif end == "extend":
            buyer.post(f"/v1/holds/{held['hold_id']}/extend", expect=(200, 409))


def test_rows_as_they_come(box, end):
    """A message for each row: the row as the pages have it, to the letter, and a cursor to go on from."""
    event, buyer = box.event(), box.session()
    with log(box, f"?after={end}") as stream:
        assert stream.headers["content-type"] == "text/event-stream"
        assert (stream.headers["cache-control"], stream.headers["x-accel-buffering"]) == ("no-store", "no")
        assert not {"content-length", "transfer-encoding", "content-encoding", "etag"} & set(stream.headers)
        assert 500 <= stream.parser.retry <= 3500
        held = buyer.hold(event, 4, 2, 3)
        messages = take(stream, 3)
        buyer.delete(f"/v1/holds/{held['hold_id']}", expect=204)
        messages += take(stream, 3)
    page = box.key.get(PATH, params={"after": end})
    assert {message.event for message in messages} == {"row"}
    assert rows(messages) == page["rows"]
    assert page.text.startswith('{"rows":[' + ",".join(message.text for message in messages) + "]")
    for number, message in enumerate(messages):
        assert box.cdc(after=message.id)[0] == page["rows"][number + 1 :]


def test_from_the_start(new_server):
    """Without a cursor: the whole log, and then what comes."""
    box = Box(new_server())
    event = box.event(venue=box.venue(rows=5, seats=100), max_tickets_per_session=1000)
    buyer = box.session()
    for first in range(0, 450, 50):  # more than one page
        buyer.hold(event, *range(first, first + 50))
    with log(box) as stream:
        assert rows(take(stream, 450)) == event.cdc()
        buyer.hold(event, 480)
        assert stream.next().json["ticket_id"] == event.ticket(480)


def test_goes_on_behind_any_row(box, end):
    """Also in the middle of a change of several rows; Last-Event-ID goes before `after`."""
    event = box.event()
    box.session().hold(event, *range(5))
    wanted = box.cdc(after=end)[0]
    got, cursor = [], end
    for row in range(5):
        place = {"last_id": cursor} if row % 2 else {"query": f"?after={cursor}"}
        with log(box, **place) as stream:
            got.append(stream.next())
        cursor = got[-1].id
    assert rows(got) == wanted
    with log(box, f"?after={end}", last_id=got[2].id) as stream:
        assert rows(take(stream, 2)) == wanted[3:]


def test_waits_where_nothing_is_new(box, end):
    """At the end of the log a stream is silent, and goes on with the first new row: a hold's, or an expiry's."""
    event, buyer = box.event(hold_seconds=1), box.session()
    with log(box, f"?after={end}") as stream:
        for seat in range(3):
            event.post("block", {"ticket_ids": event.tickets(19)}, expect=200)  # has no row
            held = buyer.hold(event, seat)
            assert stream.next().json["hold_id"] == held["hold_id"]
            event.post("unblock", {"ticket_ids": event.tickets(19)}, expect=200)
        assert {row["outcome"] for row in rows(take(stream, 3))} == {"expired"}


def test_survives_the_server(new_server):
    """After a kill -9 and a start, the last id is still the place to go on."""
    server = new_server()
    box = Box(server)
    event, buyer = box.event(), box.session()
    buyer.hold(event, 0, 1)
    with log(box) as stream:
        first = take(stream, 1)
    server.kill()
    server.start()
    buyer.hold(event, 2)
    with log(box, last_id=first[0].id) as stream:
        assert rows(first + take(stream, 2)) == event.cdc()
        server.stop()
        assert stream.rest() == []


@pytest.mark.parametrize(
    ("query", "last_id", "pointer"),
    [("?after=~", None, "/after"), ("?after=", None, "/after"), ("?after=AAAA", None, "/after"), ("", "~", "/after"),
     ("", "17", "/after"), ("?limit=5", None, "/limit"), ("?limit=x", None, "/limit")],
)  # fmt: skip
def test_what_does_not_fit(box, query, last_id, pointer):
    """A cursor that is none, and a limit, which a stream has not."""
    with log(box, query, last_id=last_id) as stream:
        assert (stream.status, [error["pointer"] for error in stream.json["errors"]]) == (422, [pointer])


def test_refusals(box):
    """It is for keys; other parameters are not known."""
    for client, status in ((box.public, 401), (box.session(), 403), (box.server.client("wrong"), 401)):
        with log(box, client=client) as stream:
            assert stream.status == status
    for query in ("?since=1", "?cursor=x", "?after=x&after=x"):
        with log(box, query) as stream:
            assert stream.status == 400, query


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/event-stream", "text/event-stream"), ("Text/Event-Stream", "text/event-stream"),
        ("text/event-stream, */*;q=0.1", "text/event-stream"),
        ("text/event-stream;q=0.9, application/json;q=0.8", "text/event-stream"),
        ("application/json", "application/json"), ("*/*", "application/json"), ("text/event-stream;q=0", "application/json"),
        ("text/event-stream;q=0.5, application/json", "application/json"), ("text/html", "application/json"),
    ],
)  # fmt: skip
def test_which_form(box, accept, kind):
    """A stream is for who asks for it (of HEAD, the headers alone)."""
    reply = box.key.head(PATH, headers={"Accept": accept})
    assert reply.headers["content-type"] == kind
    assert reply.headers["cache-control"] == "no-store"


def read_with_breaks(box, stop, cursor, seed, got):
    """Read on many connections, which end anywhere, up to the row @stop."""
    rng = random.Random(seed)
    while True:
        stream = log(box, last_id=cursor).open()
        for _ in range(rng.randint(1, 40)):
            got.append(stream.next())
            if got[-1].json["hold_id"] == stop[0]:
                stream.close()
                return
        cursor = got[-1].id
        rng.choice([stream.close, stream.vanish])()


def test_every_row_once_and_in_order(box, end):
    """Readers who come and go have, together with what was before, what the pages have, while buyers act in two events."""
    events = [box.event(hold_seconds=1, max_tickets_per_session=10000) for _ in range(2)]
    stop, readers = [None], [[] for _ in range(3)]
    with ThreadPoolExecutor(8) as pool:
        reading = [pool.submit(read_with_breaks, box, stop, end, seed, got) for seed, got in enumerate(readers)]
        buying = [pool.submit(acting, box, event, seed, scaled(60)) for event in events for seed in range(2)]
        wait(buying)
        stop[0] = box.session().hold(box.event(), 0)["hold_id"]
        box.key.delete(f"/v1/holds/{stop[0]}", expect=204)  # its row comes to those who had the first too early
        for done in buying + reading:
            done.result()
    paged = box.cdc(after=end)[0]
    least = 1 + [row["hold_id"] for row in paged].index(stop[0])
    for got in readers:
        assert len(got) >= least
        assert rows(got) == paged[: len(got)]
        assert len({message.id for message in got}) == len(got)
