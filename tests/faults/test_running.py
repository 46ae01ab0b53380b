"""Faults while the server runs: nothing acknowledged is lost, reads go on, and it recovers by itself."""

import itertools
import json
import random
import socket
import threading
import time

import httpx
import pytest

import rules
from box import Box, Event, new_id, rows_of, until
from faults import LimitedServer, PatientServer, fill
from harness import scaled

# What a client sees when the connection ends before the answer does.
LOST = (httpx.TransportError,)


class Writers:
    """Threads that hold and order seats, and a journal: Idempotency-Key -> (path, body, answer or None)."""

    def __init__(self, server, event, count=4, pause=0.01):
        self.server = server
        self.pause = pause
        self.event = event
        self.count = count
        self.lock = threading.Lock()
        self.acknowledged = {}
        self.open = {}
        self.refused = []  # 503s
        self.wrong = []
        self.seats = iter(range(event.total))
        self.going = True

    def send(self, buyer, path, body, key):
        """One POST; returns its 201 or None. What is not answered stays open."""
        with self.lock:
            self.open[key] = (buyer, path, body)
        reply = buyer.post(path, body, headers={"Idempotency-Key": key})
        with self.lock:
            if reply.status == 201:
                del self.open[key]
                self.acknowledged[key] = (buyer, path, body, reply.json)
                return reply
            if reply.status == 503 and reply.problem == "unavailable" and int(reply.headers["retry-after"]) > 0:
                self.refused.append(reply)
            else:
                self.wrong.append(reply)
        return None

    def write(self, buyer):
        with self.lock:
            seat = next(self.seats)
        hold = self.send(buyer, f"{self.event.path}/holds", {"seat_indexes": [seat]}, new_id())
        if hold and seat % 2:
            self.send(buyer, "/v1/orders", {"hold_id": hold["hold_id"]}, new_id())

    def work(self):
        buyer = self.server.session(self.server.api_key)
        while self.going:
            try:
                refused = len(self.refused)
                self.write(buyer)
                time.sleep(0.05 if len(self.refused) > refused else self.pause)
            except StopIteration:
                return
            except LOST:
                if self.server.process is None or self.server.process.poll() is not None or not self.going:
                    return

    def __enter__(self):
        self.threads = [threading.Thread(target=self.work) for _ in range(self.count)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.going = False
        for thread in self.threads:
            thread.join()

    def check(self):
        """Everything acknowledged is there as it was answered; every open request can be repeated."""
        assert not self.wrong, self.wrong[:3]
        for key, (buyer, path, body, answer) in self.acknowledged.items():
            again = buyer.post(path, body, headers={"Idempotency-Key": key}, expect=201, check=False)
            assert again.headers["idempotent-replayed"] == "true"
            assert json.loads(again.text) == answer
        for key, (buyer, path, body) in list(self.open.items()):
            answer = buyer.post(path, body, headers={"Idempotency-Key": key}, expect=201).json
            self.acknowledged[key] = (buyer, path, body, answer)
            del self.open[key]
        held = {a["tickets"][0]["seat_index"] for _, path, _, a in self.acknowledged.values() if path.endswith("holds")}
        statuses = self.event.statuses()
        assert {i for i, status in enumerate(statuses) if status != "available"} == held
        orders = {a["order_id"] for _, path, _, a in self.acknowledged.values() if path == "/v1/orders"}
        listed = self.server.key.pages("/v1/orders", "orders", {"event_id": self.event.id, "limit": 1000})
        assert {order["order_id"] for order in listed} == orders


def big_event(server, seats=20000, **members):
    box = Box(server)
    venue = box.venue(sections=[{"name": "A", "types": [
        {"type_id": "regular", "price": "45.00", "rows": rows_of(seats // 100, 100)}]}])  # fmt: skip
    return box.event(venue, max_tickets_per_session=10000, **members)


# ---- no room ----


def fill_with_events(server, venue):
    """Create events until that is refused."""
    box, made = Box(server), set()
    while True:
        reply = box.key.post("/v1/events", box.event_body(venue), expect=(201, 503))
        if reply.status == 503:
            assert reply.problem == "unavailable" and int(reply.headers["retry-after"]) > 0
            return made
        made.add(reply["event_id"])


class SmallDisk:
    """A file system of the test's own; room comes back because it grows."""

    def __init__(self, mounts, new_server):
        self.mounts = mounts
        self.folder = mounts.memory("disk", "24m")
        self.server = new_server(self.folder / "data")

    def fill(self, venue):
        """
        The log has set room aside, which events fill; and to open the store again can free some, which is taken too.
        Returns the events that were made.
        """
        made = set()
        for number in itertools.count():
            fill(self.folder / f"filler-{number}")
            made |= fill_with_events(self.server, venue)
            if "cannot be opened again" in self.server.stderr():
                return made

    def give_room(self):
        self.mounts.resize(self.folder, "256m")


class SmallFiles:
    """A limit on how large a file may grow, which a quota is like: also where nothing may be mounted."""

    def __init__(self, mounts, new_server):
        self.server = new_server(kind=PatientServer)

    def fill(self, venue):
        self.server.limit_files_to(4096)
        return fill_with_events(self.server, venue)

    def give_room(self):
        self.server.limit_files_to(1 << 40)


@pytest.mark.parametrize("kind", [SmallDisk, SmallFiles])
def test_no_room(mounts, new_server, kind):
    disk = kind(mounts, new_server)
    server = disk.server
    event = big_event(server)
    public = server.public
    with Writers(server, event) as writers:
        until(lambda: len(writers.acknowledged) > 50, "holds")
        disk.fill(event.venue)
        until(lambda: len(writers.refused) > 8, "refusals")
        # Now it stays refused, and all that is read is as it was.
        server.public.get("/readyz", expect=503, problem="unavailable")
        public.get("/healthz")
        assert server.metric("store_writable") == 0
        for _ in range(3):
            before = len(writers.refused)
            until(lambda before=before: len(writers.refused) > before + 4, "more refusals")
            public.get("/readyz", expect=503)
            public.get("/healthz")
            public.get("/v1/events?available=true")
            public.get(f"{event.path}/sections")
            shown = event.availability(public)
            assert shown["held"] + shown["available"] == event.total
            assert shown["held"] >= sum(path.endswith("holds") for _, path, _, _ in list(writers.acknowledged.values()))
        until(lambda: "cannot be opened again" in server.stderr(), "an attempt to open the store again")
        public.get("/readyz", expect=503)
        refused = len(writers.refused)
        disk.give_room()
        until(lambda: public.get("/readyz", expect=(200, 503)).status == 200, "recovery")
        acknowledged = len(writers.acknowledged)
        until(lambda: len(writers.acknowledged) > acknowledged + 50, "holds again")
    assert refused > 20
    assert server.metric("store_writable") == 1
    writers.check()
    rules.check_all(server.url, server.api_key)
    server.restart()
    writers.check()
    rules.check_all(server.url, server.api_key)


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_end_while_there_is_no_room(mounts, new_server, end):
    """Killed or stopped on a full disk, it starts again when there is room, with all that was acknowledged."""
    disk = SmallDisk(mounts, new_server)
    server = disk.server
    event = big_event(server)
    with Writers(server, event) as writers:
        until(lambda: len(writers.acknowledged) > 50, "holds")
        disk.fill(event.venue)
        until(lambda: len(writers.refused) > 8, "refusals")
    getattr(server, end)()
    disk.give_room()
    server.start()
    writers.check()
    rules.check_all(server.url, server.api_key)


def test_event_without_room(mounts, new_server):
    """Creating tickets fails in the middle: no part of the event stays, and its slug is free."""
    disk = SmallDisk(mounts, new_server)
    box = Box(disk.server)
    venue = box.venue(rows=500, seats=100)
    made = disk.fill(venue)
    body = box.event_body(venue, published=True)
    box.key.post("/v1/events", body, problem="unavailable")
    assert {event["event_id"] for event in box.key.pages("/v1/events", "events")} == made
    disk.give_room()
    until(lambda: box.public.get("/readyz", expect=(200, 503)).status == 200, "recovery")
    event = Event(box, box.key.post("/v1/events", body, expect=201).json, venue)
    assert event.counts() == (50000, 0, 0, 0)
    disk.server.restart()
    assert {event["event_id"] for event in box.key.pages("/v1/events", "events")} == made | {event.id}


# ---- stopped by a signal, and going on ----


def test_asleep_for_longer_than_a_hold(own_box):
    """As a laptop that is closed: what fell due meanwhile ends once, and late is late, not never."""
    server = own_box.server
    event = own_box.event(own_box.venue(rows=10, seats=100), hold_seconds=1, max_tickets_per_session=100)
    lasting = own_box.event()
    buyer = own_box.session()
    orders = [buyer.order(buyer.hold(event, seat, seat + 1)) for seat in range(0, 100, 2)]
    kept = buyer.hold(lasting, 1)
    late = [None]

    def confirm():
        late[0] = own_box.confirm(orders[0], expect=409)

    server.process.send_signal(19)  # SIGSTOP
    thread = threading.Thread(target=confirm)
    try:
        thread.start()
        time.sleep(1.5)  # longer than the hold
    finally:
        server.process.send_signal(18)  # SIGCONT
    thread.join()
    assert late[0].problem == "hold-expired"
    until(lambda: event.counts() == (1000, 0, 0, 0), "the end of the holds")
    rows = event.cdc()
    assert sorted(row["ticket_id"] for row in rows if row["cdc$operation"] == -3) == sorted(event.tickets(*range(100)))
    assert len(rows) == 200
    for order in orders:
        assert buyer.get(f"/v1/orders/{order['order_id']}")["status"] == "expired"
    assert buyer.get(f"/v1/holds/{kept['hold_id']}")["status"] == "active"
    buyer.hold(event, *range(100))
    assert server.metric("holds_expired_total") == 50


@pytest.mark.parametrize("number", [15, 2], ids=["SIGTERM", "SIGINT"])
def test_stop_under_load(new_server, number):
    server = new_server()
    event = big_event(server)
    with Writers(server, event, count=8, pause=0) as writers:
        until(lambda: len(writers.acknowledged) > 200, "holds")
        server.process.send_signal(number)
        assert server.process.wait(30) == 0
    server.process = None
    server.check_stderr()
    assert not writers.wrong, writers.wrong[:3]
    answered = len(writers.acknowledged)
    server.start()
    writers.check()
    assert len(writers.acknowledged) >= answered > 200
    rules.check_all(server.url, server.api_key)


def test_stop_ends_with_the_last_answer(own_box):
    """Idle connections do not hold up the end; the listening socket is gone."""
    server = own_box.server
    idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
    own_box.public.get("/healthz")
    server.stop()
    for connection in idle:
        connection.settimeout(10)
        assert connection.recv(1) == b""
        connection.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port))


def test_stop_before_the_workers_are_done(new_server):
    """After ten seconds connections are ended by force; what was under way goes on to its end, and the exit is 0."""
    server = new_server(args=["--worker-threads", "1", "--http-threads", "1"])
    box = Box(server)
    rows = [{"row": str(i), "seats": ["b", "a"]} for i in range(100_000)]
    hall = {"name": "H", "timezone": "UTC", "sections": [{"name": "A", "types": [{"type_id": "t", "price": "1", "rows": rows}]}]}  # fmt: skip
    path = f"/v1/venues/{box.key.post('/v1/venues', hall)['venue_id']}"
    begin = time.monotonic()
    server.http.head(path)
    count = int(14 / (time.monotonic() - begin)) + 1  # so many keep the worker busy for longer than that
    body = json.dumps({**hall, "sections": [{"name": "A", "types": [{"type_id": "t", "price": "1", "seats_count": 1}]}]})
    head = (
        f"POST /v1/venues HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.api_key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    requests = [f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n"] * count + [head + body]
    connections = []
    for request in requests:
        connections.append(socket.create_connection(("127.0.0.1", server.port)))
        connections[-1].sendall(request.encode())
    until(lambda: server.metric("connections") > count, "all of them")
    server.process.send_signal(15)
    assert server.process.wait(90) == 0, server.stderr()[-2000:]
    server.process = None
    server.check_stderr()
    for connection in connections:
        connection.close()


def test_second_signal_ends_at_once(own_box):
    """A body that never ends holds up the first; the second does not ask."""
    server = own_box.server
    event = own_box.event()
    buyer = own_box.session()
    hold = buyer.hold(event, 3, 4)
    slow = socket.create_connection(("127.0.0.1", server.port))
    head = "POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"
    slow.sendall(head.encode())
    until(lambda: server.metric("connections") >= 2, "the slow one")
    server.process.send_signal(15)
    until(lambda: "finishing" in server.stderr(), "the first signal")
    until(lambda: not accepts(server.port), "the end of listening")
    assert server.process.poll() is None
    server.process.send_signal(15)
    assert server.process.wait(5) == -15
    server.process = None
    slow.close()
    server.start()
    assert buyer.get(f"/v1/holds/{hold['hold_id']}")["status"] == "active"
    assert event.counts() == (18, 2, 0, 0)


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


# ---- no file descriptors ----


def test_more_connections_than_file_descriptors(new_server):
    server = new_server(kind=LimitedServer, files=64)
    event = big_event(server, 1000)
    buyer = server.session()
    before = buyer.hold(event, 1)
    server.http.close()  # its connections count too
    server.http = httpx.Client(base_url=server.url, timeout=60, trust_env=False)
    idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(150)]
    answer = []
    waiting = threading.Thread(target=lambda: answer.append(buyer.hold(event, 2)))
    waiting.start()  # it has to wait until the others are gone
    time.sleep(0.2)
    server.check_alive()
    for connection in idle:
        connection.close()
    waiting.join(30)
    assert answer, "no answer after the others were gone"
    server.public.get("/readyz")
    for seat in range(10, 30):
        buyer_of_it = server.session()
        buyer_of_it.hold(event, seat)
    assert event.counts() == (978, 22, 0, 0)
    server.restart()
    assert event.counts() == (978, 22, 0, 0)
    assert buyer.get(f"/v1/holds/{before['hold_id']}")["status"] == "active"


# ---- an end in the middle of creating an event ----


def test_kill_while_an_event_is_created(new_server):
    server = new_server(args=["--log-level", "warn"])
    box = Box(server)
    venue = box.venue(rows=500, seats=100)
    rng = random.Random(7)
    began = time.monotonic()
    box.event(venue)
    usual = time.monotonic() - began
    whole = 1
    for number in range(scaled(8)):
        body = box.event_body(venue, published=True)
        key = {"Idempotency-Key": new_id()}
        answers = []

        def create(body=body, key=key, answers=answers):
            try:
                answers.append(box.key.post("/v1/events", body, headers=key).json)
            except LOST:
                pass

        thread = threading.Thread(target=create)
        thread.start()
        time.sleep(rng.uniform(0, 1.3 * usual))
        server.process.kill()
        thread.join()
        server.kill()
        server.start()
        events = {event["slug"]: event for event in box.key.pages("/v1/events", "events")}
        known = events.get(body["slug"])
        assert len(events) == whole + (known is not None)
        if answers:
            assert known, "an acknowledged event is gone"
        if known:
            assert known["counts"] == {"total": 50000, "available": 50000, "held": 0, "sold": 0, "blocked": 0}
            box.key.post("/v1/events", body, problem="slug-taken")
        # The same request again is the same event, or a new one of this slug.
        again = box.key.post("/v1/events", body, headers=key, expect=201)
        assert (again.headers.get("idempotent-replayed") == "true") == (known is not None)
        event = Event(box, again.json, venue)
        assert known is None or known["event_id"] == event.id
        assert event.counts() == (50000, 0, 0, 0)
        last = box.key.get(f"{event.path}/tickets/{event.ticket(49999)}")
        assert (last["seat_index"], last["row"], last["seat"], last["status"]) == (49999, "500", "100", "available")
        box.session().hold(event, 49999)
        whole += 1
    server.restart()
    assert len(box.key.pages("/v1/events", "events")) == whole
