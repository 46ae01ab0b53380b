"""
Conditional and coded reads by a table: what status, coding, tag and headers each request has to get, the first time, when
the answer is kept, and after a change. And readers in a hurry while somebody writes.
"""

import base64
import collections
import gzip
import http.client
import itertools
import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import brotli
import pytest
import zstandard

from box import STATUSES, Box, rows_of, unpack
from harness import scaled
from servers import starting_servers

BYTES = "application/octet-stream"
LEAST = 1024  # bytes of a body that is compressed
DECODERS = {
    None: bytes,
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
}
# Of a 304 as of the 200 that it stands for.
SAME = ("cache-control", "vary", "change-seq")

Answer = collections.namedtuple("Answer", "status headers body")


class Wire:
    """Requests with exactly these headers, on some connections in turn: the server has several loops."""

    def __init__(self, server, count=3):
        connections = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=60) for _ in range(count)]
        self.connections = itertools.cycle(connections)

    def ask(self, method, path, headers):
        connection = next(self.connections)
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders()
        reply = connection.getresponse()
        names = [name.lower() for name, _ in reply.getheaders()]
        assert len(names) == len(set(names)), f"a header comes twice: {names}"
        return Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())


class World:
    """A server, and an event whose replies are mostly big enough to be compressed."""

    def __init__(self, server):
        self.server, self.wire, box = server, Wire(server), Box(server)
        types = [{"type_id": "regular", "price": "45.00", "rows": rows_of(13, 50)}]
        venue = box.venue(sections=[{"name": f"Block {i}", "types": types} for i in range(8)])
        self.event = box.event(venue, max_tickets_per_session=10000)
        self.draft = box.event(venue, published=False)
        for event in (self.event, self.draft):
            event.post("block", {"ticket_ids": event.tickets(*range(300))}, expect=200)

    def change(self):
        """The next version of both events."""
        for event in (self.event, self.draft):
            seat = event.statuses().index("available")
            event.post("block", {"ticket_ids": event.tickets(seat)}, expect=200)

    def path(self, kind):
        event = self.draft if kind.draft else self.event
        ids = {"event": event.path, "slug": event.made["slug"], "ticket": event.ticket(5000)}
        return kind.path.format(**ids)

    def ask(self, kind, method="GET", **headers):
        headers = {"Accept": kind.accept, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if kind.draft:
            headers["Authorization"] = f"Bearer {self.server.api_key}"
        return self.wire.ask(method, self.path(kind), headers)


Kind = collections.namedtuple("Kind", "path accept cache draft", defaults=[None, "no-cache", False])
LONG = "max-age=31536000, immutable"
KINDS = {
    "event": Kind("{event}"),
    "sections": Kind("{event}/sections"),
    "seatmap": Kind("{event}/seatmap"),
    "seatmap?rev": Kind("{event}/seatmap?rev=1", cache=f"public, {LONG}"),
    "availability": Kind("{event}/availability"),
    "bytes": Kind("{event}/availability", BYTES),
    "since": Kind("{event}/availability?since=1"),
    "since as bytes": Kind("{event}/availability?since=1", BYTES),
    "since the future": Kind("{event}/availability?since=1000000"),
    "tickets": Kind("{event}/tickets?status=available"),
    "ticket": Kind("{event}/tickets/{ticket}"),
    "list": Kind("/v1/events"),
    "list of available": Kind("/v1/events?available=true&limit=5"),
    "list of one": Kind("/v1/events?slug={slug}"),
    "draft": Kind("{event}", None, "private, no-cache", True),
    "draft's sections": Kind("{event}/sections", None, "private, no-cache", True),
    "draft's seatmap?rev": Kind("{event}/seatmap?rev=1", None, f"private, {LONG}", True),
    "draft's bytes": Kind("{event}/availability", BYTES, "private, no-cache", True),
    "draft's list": Kind("/v1/events?slug={slug}", None, "private, no-cache", True),
}
FOREVER = [name for name in KINDS if "seatmap" in name]

# Accept-Encoding, and what a big body comes in.
CODINGS = [
    (None, None), ("", None), ("identity", None), ("deflate, compress", None), ("gzip", "gzip"), ("br", "br"), ("zstd", "zstd"),
    ("x-gzip", "gzip"), ("GZip", "gzip"), ("*", "zstd"), ("gzip, deflate, br, zstd", "zstd"), ("gzip, br", "br"),
    ("gzip;q=1.0, br;q=0.5", "gzip"), ("br;q=0.2,zstd;q=0.3,gzip;q=0.4", "gzip"), ("zstd;q=0, *", "br"), ("gzip;q=0", None),
    ("gzip;q=0.000, br;q=0.001", "br"), ("gzip ; q=0.5 , identity;q=0.4", "gzip"), ("gzip;q=0.4, identity;q=0.5", None),
    ("gzip, identity;q=0", "gzip"), ("identity;q=0, zstd;q=0.1", "zstd"), ("*;q=0", None), ("identity, *;q=0", None),
    ("br, *;q=0", "br"), ("identity;q=0", None), ("gzip;q=1.5", "gzip"), ("gzip;q=x", None),
]  # fmt: skip
NO_IDENTITY = ("gzip, identity;q=0", "identity;q=0, zstd;q=0.1", "br, *;q=0")

# If-None-Match, made of the tags that there are ({own}: what would be sent), and the status.
CONDITIONS = [
    ("{own}", 304), ("W/{own}", 304), ('"x", {own}', 304), ('{own},"x"', 304), (' "x" ,, W/"y" , W/{own} ', 304), ("*", 304),
    ('"x"', 200), ('W/"x"', 200), ("", 200), ("{own_unquoted}", 200), ('"{own}"', 200), ("{others}", 200),
]  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with starting_servers(tmp_path_factory.mktemp("conditional")) as start:
        yield World(start())


def all_forms(world, kind):
    """The answers in each coding, by coding: the same body, with tags of their own."""
    plain = world.ask(kind, Accept_Encoding="identity")
    forms = {}
    for coding in DECODERS:
        answer = world.ask(kind, Accept_Encoding=coding or "identity")
        used = answer.headers.get("content-encoding")
        assert answer.status == 200
        assert used == (coding if len(plain.body) >= LEAST else None)
        assert DECODERS[used](answer.body) == plain.body
        assert int(answer.headers["content-length"]) == len(answer.body)
        forms[used] = answer
    tags = [answer.headers["etag"] for answer in forms.values()]
    assert len(set(tags)) == len(tags)
    return forms


def tag_list(condition, forms, used):
    """An If-None-Match of the table."""
    own = forms[used].headers["etag"]
    # An unchanged copy without coding is as good as one with it; copies in other codings are not.
    others = [form.headers["etag"] for coding, form in forms.items() if coding not in (used, None)]
    return condition.format(own=own, own_unquoted=own.strip('"'), others=", ".join(others) or '"x"')


def check_answer(answer, method, status, form):
    """@answer is @form, or says that it is still good."""
    assert answer.status == status
    assert answer.headers["etag"] == form.headers["etag"]
    assert {name: answer.headers.get(name) for name in SAME} == {name: form.headers.get(name) for name in SAME}
    if status == 200:
        assert dict(answer.headers, date="") == dict(form.headers, date="")
        assert answer.body == (b"" if method == "HEAD" else form.body)
    else:
        assert answer.body == b""
        assert "content-encoding" not in answer.headers
        assert answer.headers.get("content-length") in (None, form.headers["content-length"])


@pytest.mark.parametrize("name", KINDS)
def test_headers(world, name):
    """Who may keep it and for how long, what it depends on, what it shows."""
    kind = KINDS[name]
    for form in all_forms(world, kind).values():
        vary = {part.strip().lower() for part in form.headers["vary"].split(",")}
        assert vary == {"accept-encoding", "accept"} if "availability" in kind.path else {"accept-encoding"}
        assert form.headers["cache-control"] == kind.cache
        assert form.headers["content-type"] == (kind.accept or "application/json")
        assert form.headers["etag"].startswith('"') and form.headers["etag"].endswith('"')
        event = world.draft if kind.draft else world.event
        if kind.path.startswith("/v1/events"):
            assert "change-seq" not in form.headers
        else:
            assert int(form.headers["change-seq"]) == event.get().seq


@pytest.mark.parametrize("name", KINDS)
def test_coding(world, name):
    """What is accepted, by preference; HEAD has the same headers; the second time too."""
    kind = KINDS[name]
    forms = all_forms(world, kind)
    for accepted, coding in CODINGS:
        form = forms[coding if coding in forms else None]
        for method in ("GET", "HEAD", "GET"):
            check_answer(world.ask(kind, method, Accept_Encoding=accepted), method, 200, form)


@pytest.mark.parametrize("name", KINDS)
def test_condition(world, name):
    """A copy that is still good is not sent again, in whatever form its tag comes; in any coding, by GET and HEAD."""
    kind = KINDS[name]
    forms = all_forms(world, kind)
    for coding in DECODERS:
        used = coding if coding in forms else None
        for condition, status in CONDITIONS:
            listed = tag_list(condition, forms, used)
            for method in ("GET", "HEAD", "GET"):
                answer = world.ask(kind, method, Accept_Encoding=coding, If_None_Match=listed)
                check_answer(answer, method, status, forms[used])


@pytest.mark.parametrize("name", KINDS)
def test_copy_without_coding(world, name):
    """It is as good as one with a coding, unless the client does not want such any more."""
    kind = KINDS[name]
    forms = all_forms(world, kind)
    plain = forms[None]
    for accepted, coding in CODINGS:
        used = coding if coding in forms else None
        unwanted = accepted in NO_IDENTITY and used
        for _ in range(2):
            answer = world.ask(kind, Accept_Encoding=accepted, If_None_Match=plain.headers["etag"])
            check_answer(answer, "GET", 200 if unwanted else 304, forms[used] if unwanted else plain)


@pytest.mark.parametrize("name", KINDS)
def test_after_a_change(world, name):
    """Every tag is new and no old copy is good; but a seat map stays."""
    kind = KINDS[name]
    before = all_forms(world, kind)
    world.change()
    after = all_forms(world, kind)
    assert set(before) == set(after)
    for coding, form in after.items():
        listed = ", ".join(old.headers["etag"] for old in before.values())
        for method in ("GET", "HEAD", "GET"):
            answer = world.ask(kind, method, Accept_Encoding=coding, If_None_Match=listed)
            check_answer(answer, method, 304 if name in FOREVER else 200, form)
        assert (before[coding].headers["etag"] == form.headers["etag"]) == (name in FOREVER)
        assert (before[coding].body == form.body) == (name in FOREVER or name == "ticket")  # of another seat


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "json"), ("*/*", "json"), ("application/json", "json"), (BYTES, "bytes"), ("Application/Octet-Stream", "bytes"),
        (f"{BYTES}, application/json", "bytes"), (f"application/json, {BYTES}", "bytes"), (f"{BYTES};q=0", "json"),
        (f"{BYTES};q=0.5, application/json", "json"), (f"application/json;q=0.9, {BYTES}", "bytes"), ("text/html", "json"),
        (f"text/html, {BYTES};q=0.1", "bytes"), ("", "json"),
    ],
)  # fmt: skip
def test_accept(world, accept, kind):
    """Availability as JSON or as bytes; the tag of one is none of the other's."""
    json_form, bytes_form = (all_forms(world, KINDS[name])[None] for name in ("availability", "bytes"))
    wanted, other = (bytes_form, json_form) if kind == "bytes" else (json_form, bytes_form)
    asking = Kind("{event}/availability", accept)
    for method in ("GET", "HEAD"):
        check_answer(world.ask(asking, method, If_None_Match=other.headers["etag"]), method, 200, wanted)
        check_answer(world.ask(asking, method, If_None_Match=wanted.headers["etag"]), method, 304, wanted)


def test_published_and_not(world):
    """An event that is published meanwhile may be kept by all; one that is unpublished is nobody's, whatever was kept."""
    event, kinds = world.draft, [KINDS[name] for name in ("draft", "draft's seatmap?rev", "draft's bytes", "draft's list")]
    tags = [world.ask(kind).headers["etag"] for kind in kinds]
    event.post("publish", expect=200)
    for kind, tag in zip(kinds, tags, strict=True):
        public = kind._replace(path=kind.path.format(event=event.path, slug=event.made["slug"]), draft=False)
        answer = world.ask(public)
        shared = kind.cache.replace("private", "public") if LONG in kind.cache else "no-cache"
        assert (answer.status, answer.headers["cache-control"]) == (200, shared)
        event.post("unpublish", expect=200)
        for match in (None, tag, answer.headers["etag"]):
            hidden = world.ask(public, If_None_Match=match)
            assert hidden.status == 404 if "{event}" in kind.path else json.loads(hidden.body)["events"] == []
            seen = world.ask(kind, If_None_Match=match)
            assert seen.status in (200, 304)
            assert seen.headers["cache-control"] == kind.cache
        event.post("publish", expect=200)
    event.post("unpublish", expect=200)


def test_since_everything(world):
    """From each state to the newest, in every coding, the first time and when it is kept."""
    event, states = world.event, {}
    for _ in range(40):
        world.change()
        form = world.ask(KINDS["bytes"])
        states[int(form.headers["change-seq"])] = form.body
    newest = max(states)
    for coding in (None, "zstd", "br", None):
        for since, packed in states.items():
            answer = world.ask(Kind("{event}/availability?since=" + str(since)), Accept_Encoding=coding)
            assert int(answer.headers["change-seq"]) == newest
            assert patched(packed, decoded(answer), since) == states[newest]
    assert event.get().seq == newest


# ---- while somebody writes ----


def decoded(answer):
    return DECODERS[answer.headers.get("content-encoding")](answer.body)


def patched(packed, body, since):
    """The state @packed after what has changed since then."""
    body = json.loads(body)
    assert body["since"] == since
    packed = bytearray(packed)
    for seat, status in body["changes"]:
        at = 2 * (seat % 4)
        packed[seat // 4] = packed[seat // 4] & ~(3 << at) | status << at
    return bytes(packed)


class Witness:
    """What readers have seen: one tag stands for one body of one seq, and one seq for one state of the seats."""

    def __init__(self, event):
        self.event, self.lock = event, threading.Lock()
        self.bodies, self.seqs, self.states = {}, {}, {}
        self.count = collections.Counter()

    def same(self, table, key, value):
        with self.lock:
            assert table.setdefault(key, value) == value, f"{key} stands for two things"

    def see(self, name, answer):
        """Judges an answer; returns its seq."""
        headers = answer.headers
        seq = int(headers["change-seq"]) if "change-seq" in headers else None
        self.count[name, answer.status] += 1
        self.same(self.seqs, (name, headers["etag"]), seq)
        if answer.status == 304:
            return seq
        self.same(self.bodies, (name, headers["etag"]), answer.body)
        body = decoded(answer)
        self.see_seats(seq, body) if name == "bytes" else self.see_json(name, seq, json.loads(body))
        return seq

    def see_seats(self, seq, packed):
        self.same(self.states, ("seats", seq), packed)
        values = collections.Counter(unpack(packed, self.event.total))
        self.same(self.states, ("counts", seq), tuple(values[status] for status in range(4)))

    def see_json(self, name, seq, body):
        if name == "list":
            (body,) = body["events"]
        elif name != "event":
            assert body["seq"] == seq
        places = body["sections"] if name == "sections" else [body.get("counts", body)]
        counts = tuple(sum(place[status] for place in places) for status in STATUSES)
        assert sum(counts) == self.event.total
        if seq is not None:
            self.same(self.states, ("counts", seq), counts)
        if "statuses" in body:
            self.see_seats(seq, base64.b64decode(body["statuses"]))
        return counts


HOT = {name: KINDS[name] for name in ("event", "sections", "availability", "bytes")} | {"list": KINDS["list of one"]}


def read_in_a_hurry(server, witness, seed, stop):
    """Any form of anything, as quickly as it goes; what is shown never goes back."""
    rng, wire, event = random.Random(seed), Wire(server), witness.event
    newest, tags, base = 0, {}, None
    while not stop.is_set():
        name = rng.choice([*HOT, "since"])
        kind = HOT.get(name) or Kind("{event}/availability?since=" + str(base[0] if base else 1))
        coding = rng.choice(list(DECODERS))
        tag = rng.choice([None, tags.get((name, coding))]) if name != "since" else None
        headers = {"Accept": kind.accept, "Accept-Encoding": coding, "If-None-Match": tag}
        answer = wire.ask("GET", kind.path.format(event=event.path, slug=event.made["slug"]), headers)
        seq = witness.see((name, base and base[0]) if name == "since" else name, answer)
        tags[name, coding] = answer.headers["etag"]
        assert seq is None or seq >= newest, "older than what was shown before"
        newest = max(newest, seq or 0)
        if name == "bytes" and answer.status == 200:
            base = seq, decoded(answer)
        elif name == "since" and base:
            witness.see_seats(seq, patched(base[1], decoded(answer), base[0]))


def test_readers_while_somebody_writes(world):
    """
    Each reply is of one version, whatever its form; a tag stands for one body; nothing goes back; and what was answered to
    a writer is shown to the next reader, in lists too.
    """
    server, event = world.server, world.event
    witness, stop, wire = Witness(event), threading.Event(), Wire(server)
    buyer, rng = event.box.session(), random.Random(1)

    def write():
        for _ in range(scaled(150)):
            if rng.random() < 0.5:
                last = buyer.hold(event, *rng.sample(range(1000, event.total), 3), expect=(201, 409))
                if last.status == 201 and rng.random() < 0.8:
                    last = buyer.delete(f"/v1/holds/{last['hold_id']}", expect=204)
            else:
                last = event.box.key.patch(event.path, {"name": f"Name {rng.random()}"}, expect=200)
            if last.status == 409:
                continue
            for name, kind in HOT.items():
                answer = wire.ask("GET", kind.path.format(event=event.path, slug=event.made["slug"]), {"Accept": kind.accept})
                seq = witness.see(name, answer)
                assert seq in (None, last.seq), f"{name} after {last!r}"
                if name == "list":
                    counts = witness.see_json(name, None, json.loads(answer.body))
                    assert witness.states["counts", last.seq] == counts
                    assert json.loads(answer.body)["events"][0]["name"] == event.get()["name"]

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read_in_a_hurry, server, witness, seed, stop) for seed in range(3)]
        try:
            write()
        finally:
            stop.set()
        for reader in readers:
            reader.result()
    for name in HOT:
        assert witness.count[name, 200] and witness.count[name, 304], name
