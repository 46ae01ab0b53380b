"""HEAD, ETag and 304, compression."""

import gzip

import brotli
import pytest
import zstandard

from box import new_id

DECODERS = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
}


def paths(event):
    """Everything that can be cached."""
    venue = f"/v1/venues/{event.venue['venue_id']}"
    return {
        "venues": "/v1/venues", "venue": venue, "venue's type": f"{venue}/sections/{event.section()}/types/regular",
        "events": f"/v1/events?slug={event.made['slug']}", "event": event.path, "sections": f"{event.path}/sections",
        "seatmap": f"{event.path}/seatmap", "seatmap?rev": f"{event.path}/seatmap?rev=1",
        "availability": f"{event.path}/availability", "since": f"{event.path}/availability?since=1",
        "tickets": f"{event.path}/tickets", "ticket": f"{event.path}/tickets/{event.ticket(0)}",
        "openapi": "/openapi.json", "problem": "/problems/not-found", "home": "/",
    }  # fmt: skip


NAMES = ["venues", "venue", "venue's type", "events", "event", "sections", "seatmap", "seatmap?rev", "availability", "since",
         "tickets", "ticket", "openapi", "problem", "home"]  # fmt: skip
CHANGING = ["events", "event", "sections", "availability", "since", "tickets", "ticket"]


@pytest.fixture(scope="module")
def event(server):
    from box import Box

    return Box(server).event()


def raw(client, path, **headers):
    """A reply with its body as it came, without the coding undone."""
    with client.server.http.stream("GET", path, headers=headers) as response:
        return response, b"".join(response.iter_raw())


@pytest.mark.parametrize("name", NAMES)
def test_not_modified(box, event, name):
    """If-None-Match with the ETag (alone, in a list, weak, or *) is 304 without a body; with another it is 200."""
    path = paths(event)[name]
    first = box.public.get(path)
    etag = first.headers["etag"]
    for match in (etag, f'"x", {etag}', f'{etag},"y"', f"W/{etag}", "*"):
        reply = box.public.get(path, headers={"If-None-Match": match}, expect=304)
        assert reply.headers["etag"] == etag
        assert reply.content == b""
    for match in ('"x"', f'"{new_id()}"', etag.strip('"'), ""):
        assert box.public.get(path, headers={"If-None-Match": match}).content == first.content


@pytest.mark.parametrize("name", CHANGING)
def test_modified(box, name):
    """After a change the old ETag is no longer good, and the reply is new."""
    event = box.event()
    path = paths(event)[name]
    first = box.public.get(path)
    box.session().hold(event, 0)
    second = box.public.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert second.headers["etag"] != first.headers["etag"]
    assert second.content != first.content


@pytest.mark.parametrize("name", NAMES)
def test_codings(box, event, name):
    """Each coding that is accepted gives the same body; ETags differ per coding; Vary says so."""
    path = paths(event)[name]
    plain, body = raw(box.public, path, **{"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    etags = {None: plain.headers["etag"]}
    for coding, decode in DECODERS.items():
        response, data = raw(box.public, path, **{"Accept-Encoding": coding})
        used = response.headers.get("content-encoding")
        assert used in (None, coding)
        assert (decode(data) if used else data) == body
        assert etags.setdefault(used, response.headers["etag"]) == response.headers["etag"]
        assert "accept-encoding" in response.headers["vary"].lower()
        assert int(response.headers.get("content-length", len(data))) == len(data)
        headers = {"Accept-Encoding": coding, "If-None-Match": response.headers["etag"]}
        assert raw(box.public, path, **headers)[0].status_code == 304
    assert len(set(etags.values())) == len(etags)
    assert "accept-encoding" in plain.headers["vary"].lower()


@pytest.mark.parametrize("coding", DECODERS)
def test_compression_pays(box, coding):
    """A big reply is compressed where the client accepts it."""
    event = box.event(venue=box.venue(rows=10, seats=50))
    path = f"{event.path}/tickets?limit=500"
    _, body = raw(box.public, path, **{"Accept-Encoding": "identity"})
    response, data = raw(box.public, path, **{"Accept-Encoding": coding})
    assert response.headers["content-encoding"] == coding
    assert len(data) < len(body) / 4
    assert DECODERS[coding](data) == body


@pytest.mark.parametrize(
    ("accepted", "wanted"),
    [
        ("", {None}), ("identity", {None}), ("deflate, compress, x", {None}), ("*", {"zstd", "br", "gzip"}),
        ("gzip;q=0", {None}), ("gzip;q=0, br", {"br"}), ("zstd;q=0, *", {"br", "gzip"}), ("GZIP", {"gzip"}),
        ("gzip;q=0.1, br;q=0.9", {"br"}), ("br;q=0.2,zstd;q=0.3,gzip;q=0.4", {"gzip"}), ("identity, *;q=0", {None}),
        ("gzip, deflate, br, zstd", {"zstd", "br", "gzip"}), ("x-gzip", {None, "gzip", "x-gzip"}),
    ],
)  # fmt: skip
def test_accept_encoding(box, accepted, wanted):
    """Only what is accepted, and what is preferred (RFC 9110)."""
    event = box.event(venue=box.venue(rows=5, seats=50))
    response, data = raw(box.public, f"{event.path}/tickets?limit=250", **{"Accept-Encoding": accepted})
    assert response.headers.get("content-encoding") in wanted
    assert data


@pytest.mark.parametrize("name", NAMES)
def test_head(box, event, name):
    """HEAD has the headers of GET and no body."""
    path = paths(event)[name]
    got, head = box.public.get(path), box.public.head(path)
    for header in ("content-type", "etag", "cache-control", "vary", "change-seq", "content-encoding"):
        assert head.headers.get(header) == got.headers.get(header), header
    assert head.content == b""
    box.public.head(path, headers={"If-None-Match": got.headers["etag"]}, expect=304)


def test_head_of_nothing(box):
    """HEAD answers problems too, without a body, and the connection goes on."""
    box.public.head(f"/v1/events/{new_id()}", expect=404)
    box.public.head("/v1/orders", expect=401)
    box.key.head("/v1/orders")
    for path in ("/healthz", "/readyz", "/metrics"):
        box.public.head(path)
    box.public.get("/healthz")


def test_private_replies_are_not_stored(box):
    """What is about one buyer is no-store and has no ETag."""
    event = box.event()
    buyer = box.session()
    order = buyer.order(buyer.hold(event, 0))
    for client, path in (
        (buyer, f"/v1/holds/{order['hold_id']}"), (buyer, f"/v1/orders/{order['order_id']}"), (box.key, "/v1/orders"),
        (box.key, f"/v1/order_queue?event_id={event.id}"), (box.key, "/v1/cdc/order_queue"), (box.key, f"{event.path}/checkouts"),
    ):  # fmt: skip
        reply = client.get(path)
        assert reply.headers["cache-control"] == "no-store", path
        assert "etag" not in reply.headers


def test_unpublished_replies_are_not_shared(box):
    """What only a key may see must not stay in a cache that others use."""
    event = box.event(published=False)
    listed = box.key.get(f"/v1/events?slug={event.made['slug']}")
    for reply in (event.get(), box.key.get(f"{event.path}/seatmap?rev=1"), listed):
        control, vary = reply.headers["cache-control"], reply.headers.get("vary", "").lower()
        assert "authorization" in vary or "private" in control or "no-store" in control or "no-cache" in control, reply
        assert "public" not in control
    assert box.public.get(f"/v1/events?slug={event.made['slug']}", headers={"If-None-Match": listed.headers["etag"]})["events"] == []
