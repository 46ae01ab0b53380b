"""The stream of an event's changes: what is sent when, and that nothing is missed or comes twice, however often one returns."""

import random
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from box import Box, new_id, until
from harness import scaled
from streams import Follower, follow

AVAILABLE, HELD, SOLD, BLOCKED = range(4)


def kinds(messages):
    return [(message.event, message.seq) for message in messages]


def edit(event):
    return event.box.key.patch(event.path, {"name": f"Edited {new_id()}"}, expect=200)


# ---- the head ----


def test_headers(box):
    """A reply that is sent as it comes: no length, no coding, not to be stored; HEAD has the same headers and no body."""
    event = box.event()
    codings = {"Accept-Encoding": "gzip, br, zstd", "Accept": "*/*"}
    with follow(event, headers=codings) as stream, follow(event, headers=codings, method="HEAD") as head:
        assert stream.headers["content-type"] == "text/event-stream"
        assert (stream.headers["cache-control"], stream.headers["x-accel-buffering"]) == ("no-store", "no")
        assert stream.headers["connection"] == "close"
        assert not {"content-length", "transfer-encoding", "content-encoding", "etag"} & set(stream.headers)
        assert dict(head.headers, date="") == dict(stream.headers, date="")
        assert (head.status, head.rest(), head.body) == (200, [], b"")


def test_begins(box):
    """A time to come back after, which is not the same for all, and the seq that it follows from."""
    event = box.event()
    box.session().hold(event, 0)
    times = set()
    for _ in range(20):
        with follow(event) as stream:
            assert stream.parser.ids == ["2"]
            assert 500 <= stream.parser.retry <= 3500
            times.add(stream.parser.retry)
    assert len(times) > 1


@pytest.mark.parametrize("what", ["unknown", "draft", "deleted", "no uuid"])
def test_not_found(box, what):
    """Like every read of an event that one may not see; a key may see drafts."""
    event = box.event(published=what != "draft")
    if what in ("unknown", "no uuid"):
        event.path = f"/v1/events/{new_id() if what == 'unknown' else 'x'}"
    if what == "deleted":
        event = box.event(published=False)
        box.key.delete(event.path, expect=204)
    for client in (box.public, box.session()):
        with follow(event, client) as stream:
            assert (stream.status, stream.json["type"]) == (404, "/problems/not-found")
    with follow(event, box.key) as stream:
        assert stream.status == (200 if what == "draft" else 404)


@pytest.mark.parametrize("wrong", ["x", "-1", "", "1.5", "+1", "%201", "1e2", str(2**63), str(2**64), "9" * 40])
def test_since_that_is_no_number(box, wrong):
    with follow(box.event(), query=f"?since={wrong}") as stream:
        assert (stream.status, [error["pointer"] for error in stream.json["errors"]]) == (422, ["/since"])


def test_refusals(box):
    """Unknown and repeated parameters, a Change-Seq that is none, a wrong credential: as everywhere."""
    event = box.event()
    for query in ("?after=1", "?since=1&since=1", "?limit=5"):
        with follow(event, query=query) as stream:
            assert stream.status == 400, query
    with follow(event, headers={"Change-Seq": "x"}) as stream:
        assert stream.status == 400
    with follow(event, box.server.client("wrong")) as stream:
        assert stream.status == 401


def test_waits_for_a_change(box):
    """With Change-Seq: N the stream begins with change N, which may come after the request."""
    event = box.event()
    stream = follow(event, headers={"Change-Seq": "2"}).ask()
    box.session().hold(event, 0)
    with stream:
        assert stream.parser.ids == ["2"]


# ---- what is sent ----


def hold(box, event):
    yield
    yield box.session().hold(event, 3, 1).seq, [[1, HELD], [3, HELD]]


def release(box, event):
    buyer = box.session()
    held = buyer.hold(event, 0, 1)
    yield
    yield buyer.delete(f"/v1/holds/{held['hold_id']}", expect=204).seq, [[0, AVAILABLE], [1, AVAILABLE]]


def expire(box, event):
    box.session().hold(event, 5)
    yield
    until(lambda: event.counts()[1] == 0, "the expiry")
    yield event.get().seq, [[5, AVAILABLE]]


def sell(box, event):
    order = box.order(event, 2)
    yield
    yield box.confirm(order).seq, [[2, SOLD]]


def cancel_order(box, event):
    order = box.order(event, 2)
    yield
    yield box.key.post(f"/v1/orders/{order['order_id']}/cancel", expect=200).seq, [[2, AVAILABLE]]


def refund(box, event, release_seats=True):
    order = box.paid(event, 7)
    yield
    reply = box.key.post(f"/v1/orders/{order['order_id']}/refund", {"release_seats": release_seats}, expect=200)
    yield reply.seq, [[7, AVAILABLE if release_seats else BLOCKED]]


def refund_and_block(box, event):
    return refund(box, event, release_seats=False)


def block(box, event):
    yield
    yield event.post("block", {"ticket_ids": event.tickets(19, 0)}, expect=200).seq, [[0, BLOCKED], [19, BLOCKED]]


def unblock(box, event):
    event.post("block", {"ticket_ids": event.tickets(0, 1, 2)}, expect=200)
    yield
    yield event.post("unblock", {"ticket_ids": event.tickets(1)}, expect=200).seq, [[1, AVAILABLE]]


@pytest.mark.parametrize("action", [hold, release, expire, sell, cancel_order, refund, refund_and_block, block, unblock])
def test_seats(box, action):
    """Each way in which seats change is one message with these seats as they are then."""
    event = box.event(hold_seconds=1 if action is expire else 900)
    acting = action(box, event)
    next(acting)
    with follow(event) as stream:
        seq, changes = next(acting)
        message = stream.next()
        assert (message.event, message.seq, message.json) == ("seats", seq, {"seq": seq, "changes": changes})


def test_what_shows_nothing_sends_nothing(box):
    """An extension and an order change no seat and not the event."""
    event, buyer = box.event(), box.session()
    held = buyer.hold(event, 0)
    with follow(event) as stream:
        buyer.post(f"/v1/holds/{held['hold_id']}/extend", expect=200)
        buyer.order(held)
        other = buyer.hold(event, 1)
        message = stream.next()
        assert (message.event, message.seq, message.changes) == ("seats", other.seq, [[1, HELD]])
        assert stream.parser.ids == ["2", message.id]


def price(event):
    price = {"section": event.section(), "type_id": "regular", "price": "50.00"}
    return event.box.key.put(f"{event.path}/prices", {"prices": [price]}, expect=200)


def resume(event):
    event.post("pause", expect=200)
    return event.post("resume", expect=200)


def republish(event):
    event.post("unpublish", expect=200)
    return event.post("publish", expect=200)


EDITS = {
    "edit": edit, "price": price, "resume": resume, "republish": republish,
    "window": lambda event: event.box.key.patch(event.path, {"off_sale_at": "2030-01-01T00:00:00Z"}, expect=200),
    "pause": lambda event: event.post("pause", expect=200), "cancel": lambda event: event.post("cancel", expect=200),
    "unpublish": lambda event: event.post("unpublish", expect=200),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
def test_event(box, name):
    """A change of the event itself is a message that says: read it again."""
    event = box.event()
    with follow(event, box.key) as stream:
        seq = EDITS[name](event).seq
        messages = stream.until(lambda message: message.seq == seq)
        assert {message.event for message in messages} == {"event"}
        assert messages[-1].json == {"seq": seq}


def test_cancelled_event_with_holds(box):
    """The event, and then the seats that it gave back."""
    event = box.event()
    box.session().hold(event, 0, 1), box.session().hold(event, 2)
    with follow(event) as stream:
        last = event.post("cancel", expect=200).seq
        messages = stream.until(lambda message: message.seq == last)
        assert kinds(messages)[0] == ("event", last - 2)
        assert [change for message in messages[1:] for change in message.changes] == [[seat, AVAILABLE] for seat in range(3)]


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ("h", ["seats 0", "1"]), ("hh", ["seats 0 1", "2"]), ("e", ["event", "1"]), ("ee", ["event", "2"]),
        ("he", ["seats 0", "1", "event", "2"]), ("eh", ["event", "1", "seats 1", "2"]),
        ("heh", ["seats 0", "1", "event", "2", "seats 2", "3"]), ("hhehh", ["seats 0 1", "2", "event", "3", "seats 3 4", "5"]),
        ("hehe", ["seats 0 2", "3", "event", "4"]), ("heheh", ["seats 0 2", "3", "event", "4", "seats 4", "5"]),
        ("eehh", ["event", "2", "seats 2 3", "4"]),
    ],
)  # fmt: skip
def test_bundle(box, changes, wanted):
    """
    Changes (h: one seat's, e: the event's) in one bundle, which is what one who returns gets: seats up to the event's
    last change, that change, the other seats.
    """
    event, buyer = box.event(), box.session()
    for seat, change in enumerate(changes):
        last = buyer.hold(event, seat) if change == "h" else edit(event)
    with follow(event, query="?since=1") as stream:
        messages = stream.until(lambda message: message.seq == last.seq)
    got = []
    for message in messages:
        seats = "".join(f" {seat}" for seat, status in message.changes if status == HELD) if message.event == "seats" else ""
        got += [message.event + seats, str(message.seq - 1)]
    assert got == wanted


def test_many_followers_of_many_events(box):
    """Each gets its event's changes and no other's."""
    events = [box.event() for _ in range(3)]
    streams = [follow(event).open() for event in events for _ in range(3)]
    buyer = box.session()
    for index, event in enumerate(events):
        buyer.hold(event, index)
    for index, stream in enumerate(streams):
        assert stream.next().json == {"seq": 2, "changes": [[index // 3, HELD]]}
        stream.close()


# ---- coming back ----


@pytest.mark.parametrize("by_query", [True, False])
def test_goes_on(box, by_query):
    """From any seq: only what came after it; from the newest: nothing until something happens."""
    event, buyer = box.event(), box.session()
    for seat in range(5):
        buyer.hold(event, seat)
    for seq in range(1, 7):
        place = {"query": f"?since={seq}"} if by_query else {"last_id": str(seq)}
        with follow(event, **place) as stream:
            if seq == 6:
                buyer.hold(event, 5)
            message = stream.next()
            assert message.changes == [[seat, HELD] for seat in range(seq - 1, 5 + (seq == 6))]
            assert stream.parser.ids == [message.id] == [str(event.get().seq)]


def test_last_event_id_goes_before_since(box):
    """A browser sends the address that it began with, and the id that it had last."""
    event = box.event()
    for seat in range(3):
        box.session().hold(event, seat)
    with follow(event, query="?since=1", last_id="3") as stream:
        assert stream.next().changes == [[2, HELD]]
    with follow(event, query="?since=x", last_id="3") as stream:
        assert stream.status == 422


@pytest.mark.parametrize(
    ("query", "last_id"),
    [("?since=4", None), (f"?since={2**63 - 1}", None), ("", "4"), ("", str(2**63 - 1)), ("", str(2**63)), ("", "9" * 40),
     ("", "x"), ("", "-1"), ("", "1.0"), ("", "2x"), ("", "0x2"), ("?since=2", "x")],
)  # fmt: skip
def test_reset(box, query, last_id):
    """From the future, or from an id that is none: read it again; the stream goes on."""
    event, buyer = box.event(), box.session()
    buyer.hold(event, 0), buyer.hold(event, 1)
    with follow(event, query=query, last_id=last_id) as stream:
        first = stream.next()
        assert (first.event, first.json) == ("reset", {"seq": 3})
        held = buyer.hold(event, 2)
        assert stream.next().json == {"seq": held.seq, "changes": [[2, HELD]]}


def test_reset_after_too_much(box):
    """What is too long ago is not known any more: so many changes that they are not kept."""
    event = box.event(venue=box.venue(rows=10, seats=100))
    everything = {"ticket_ids": event.tickets(*range(1000))}
    follower = Follower(event)
    for number in range(18):
        event.post("unblock" if number % 2 else "block", everything, expect=200)
    with follower.stream() as stream:
        assert follower.apply(stream.next()).event == "reset"
        assert follower.last_id == "19"
        held = box.session().hold(event, 0)
        follower.apply_until(stream, held.seq)
    follower.check()


def test_unpublished(box):
    """Who has no key is told, and the stream ends; it cannot be opened again until the event is published."""
    event = box.event()
    with follow(event, box.public) as public, follow(event, box.session()) as buyer, follow(event, box.key) as key:
        seq = event.post("unpublish", expect=200).seq
        for stream in (public, buyer):
            assert kinds(stream.rest()) == [("event", seq)]
        with follow(event, last_id=str(seq)) as refused:
            assert refused.status == 404
        event.post("block", {"ticket_ids": event.tickets(0)}, expect=200)
        event.post("publish", expect=200)
        messages = key.until(lambda message: message.seq == seq + 2)
        assert kinds(messages)[0] == ("event", seq)
    with follow(event, last_id=public.last_id) as again:
        assert kinds([again.next(), again.next()]) == [("seats", seq + 1), ("event", seq + 2)]


def test_what_comes_after_unpublishing(box):
    """Is not told to those without a key, also where it comes together with what they may know."""
    for _ in range(scaled(20)):
        event = box.event()
        with follow(event) as stream:
            box.session().hold(event, 0)
            event.post("unpublish", expect=200)
            event.post("block", {"ticket_ids": event.tickets(5)}, expect=200)
            *before, last = stream.rest()
        assert last.event == "event"
        assert all(message.changes == [[0, HELD]] for message in before)


def test_deleted(box):
    """The stream of an event that is deleted ends."""
    event = box.event(published=False)
    with follow(event, box.key) as stream:
        box.key.delete(event.path, expect=204)
        assert not [message for message in stream.rest() if message.event == "seats"]


def test_server_that_stops(new_server):
    """SIGTERM ends every stream, and the server; after the next start each goes on where it was."""
    server = new_server()
    box = Box(server)
    event, buyer = box.event(), box.session()
    followers = [Follower(event) for _ in range(5)]
    streams = [follower.stream().open() for follower in followers]
    held = buyer.hold(event, 0)
    for follower, stream in zip(followers, streams, strict=True):
        follower.apply_until(stream, held.seq)
    server.stop()
    assert [stream.rest() for stream in streams] == [[]] * 5
    server.start()
    streams = [follower.stream().open() for follower in followers]
    edited = edit(event)
    for follower, stream in zip(followers, streams, strict=True):
        follower.apply_until(stream, edited.seq)
        follower.check()
        assert kinds([follower.steps[-1].message]) == [("event", edited.seq)]


def test_server_that_is_killed(new_server):
    """After kill -9 a follower gets to where the others are."""
    server = new_server()
    box = Box(server)
    event, buyer = box.event(), box.session()
    follower = Follower(event)
    with follower.stream() as stream:
        follower.apply_until(stream, buyer.hold(event, 0).seq)
    buyer.hold(event, 1), buyer.hold(event, 2)
    server.kill()
    server.start()
    with follower.stream() as stream:
        follower.apply_until(stream, buyer.hold(event, 3).seq)
    follower.check()


def test_metrics(new_server):
    """How many streams there are, what they were sent, how often they had to begin anew."""
    box = Box(new_server())
    event, buyer = box.event(), box.session()
    streams = [follow(event).open() for _ in range(3)] + [follow(event, last_id="x").open()]
    buyer.hold(event, 0)
    for stream in streams:
        stream.until(lambda message: message.event == "seats")
    assert box.server.metric("streams") == 4
    assert box.server.metric("stream_messages_total") >= 4
    assert box.server.metric("stream_resets_total") == 1
    assert box.server.metric("streams_cut_off_total") == 0
    for stream in streams:
        stream.close()
    until(lambda: box.server.metric("streams") == 0, "the end of the streams")


# ---- without a gap and without a repeat ----


class Truth:
    """The status of every seat after each change: from the change log, and from answers where that has no rows."""

    ENDS = {None: HELD, "purchased": SOLD, "released": AVAILABLE, "cancelled": AVAILABLE, "expired": AVAILABLE}

    def __init__(self, event, answers):
        changes = dict(answers)
        for row in event.cdc():
            changes.setdefault(row["seq"], {})[int(row["ticket_id"][-8:], 16)] = self.ENDS[row["outcome"]]
        self.touched = changes
        self.states = [bytearray(event.total)] * 2  # nothing before change 1, which makes the event
        for seq in range(2, max(changes) + 1):
            self.states.append(bytearray(self.states[-1]))
            for seat, status in changes.get(seq, {}).items():
                self.states[-1][seat] = status

    def check(self, step):
        """A message shows the seats that changed since the one before, and brings the follower to its seq."""
        assert step.seats == bytes(self.states[step.seq]), f"wrong after {step.message}"
        if step.message.event == "seats":
            touched = {seat for seq in range(step.before + 1, step.seq + 1) for seat in self.touched.get(seq, {})}
            told = {seat for seat, _ in step.message.changes}
            assert told <= touched, f"repeats what was known at {step.before}: {step.message}"
            assert all(self.states[step.seq][seat] == status for seat, status in step.message.changes)


class Actor:
    """Does anything that is allowed, at random; keeps what the change log does not tell."""

    def __init__(self, event, seed, answers, edits):
        self.event, self.box, self.buyer = event, event.box, event.box.session()
        self.rng = random.Random(seed)
        self.answers, self.edits = answers, edits
        self.holds, self.paid, self.blocked = [], [], []

    def run(self, count):
        for _ in range(count):
            self.rng.choices([self.hold, self.release, self.buy, self.refund, self.block, self.edit], [4, 1, 2, 1, 1, 1])[0]()

    def some(self):
        # The last seat is kept for the end.
        return self.rng.sample(range(self.event.total - 1), self.rng.randint(1, 4))

    def hold(self):
        held = self.buyer.hold(self.event, *self.some(), expect=(201, 409))
        if held.status == 201:
            self.holds.append(held["hold_id"])

    def release(self):
        if self.holds:
            self.buyer.delete(f"/v1/holds/{self.holds.pop()}", expect=(204, 409))

    def buy(self):
        if self.holds:
            order = self.buyer.order(self.holds.pop(), expect=(201, 409))
            if order.status == 201 and self.box.confirm(order, expect=(200, 409)).status == 200:
                self.paid.append(order)

    def refund(self):
        if self.paid:
            order, release = self.paid.pop(), self.rng.random() < 0.5
            path = f"/v1/orders/{order['order_id']}/refund"
            self.answer(self.box.key.post(path, {"release_seats": release}, expect=200),
                        [ticket["seat_index"] for ticket in order["tickets"]], AVAILABLE if release else BLOCKED)

    def block(self):
        action = "unblock" if self.blocked else "block"
        seats = self.blocked or self.some()
        reply = self.event.post(action, {"ticket_ids": self.event.tickets(*seats)}, expect=(200, 409))
        if reply.status == 200:
            self.answer(reply, seats, AVAILABLE if self.blocked else BLOCKED)
            self.blocked = [] if self.blocked else seats

    def edit(self):
        self.edits.append((price if self.rng.random() < 0.5 else edit)(self.event).seq)

    def answer(self, reply, seats, status):
        self.answers[reply.seq] = dict.fromkeys(seats, status)


def follow_with_breaks(follower, seed):
    """Follow until the last seat is blocked, on many connections that end anywhere."""
    rng = random.Random(seed)
    while True:
        stream = follower.stream(by_query=rng.random() < 0.3).open()
        for _ in range(rng.randint(1, 15)):
            message = follower.apply(stream.next())
            if message.event == "seats" and message.changes[-1] == [follower.event.total - 1, BLOCKED]:
                stream.close()
                return
        rng.choice([stream.close, stream.vanish])()


def test_nothing_is_missed_and_nothing_comes_twice(box):
    """
    Buyers, payments, refunds, blocks, expiries and edits, while followers come and go: what each of them knows is at each
    message what the change log says, and no message tells again what was told.
    """
    event = box.event(venue=box.venue(rows=4, seats=20), hold_seconds=1, max_tickets_per_session=10000)
    answers, edits = {}, []
    followers = [Follower(event) for _ in range(4)]
    actors = [Actor(event, seed, answers, edits) for seed in range(3)]
    with ThreadPoolExecutor(len(followers) + len(actors)) as pool:
        readers = [pool.submit(follow_with_breaks, follower, seed) for seed, follower in enumerate(followers)]
        writers = [pool.submit(actor.run, scaled(150)) for actor in actors]
        wait(writers)
        until(lambda: event.counts()[1] == 0, "the end of the holds")
        last = event.post("block", {"ticket_ids": event.tickets(event.total - 1)}, expect=200).seq
        answers[last] = {event.total - 1: BLOCKED}
        for done in writers + readers:
            done.result()
    truth = Truth(event, answers)
    for follower in followers:
        follower.check()
        assert follower.seq == last
        messages = [step.message for step in follower.steps]
        assert [message.seq for message in messages] == sorted({message.seq for message in messages})
        for step in follower.steps:
            truth.check(step)
        told = {message.seq for message in messages if message.event == "event"}
        assert told <= set(edits)
        assert max(edits, default=None) in told or not edits
        assert all(message.event != "reset" for message in messages)
